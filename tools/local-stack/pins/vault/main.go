// vaultd ADDR ROOT_TOKEN: the real Vault core in memory, for one test that holds the small server in tools/vault-dev against it.
// KV v2 is mounted at secret/; AppRole can be enabled. Never shipped.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/helper/namespace"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

type fields = map[string]interface{}

var plugins = map[string]logical.Factory{"kv": kv.Factory, "approle": approle.Factory}

// registry names the built-in plugins. Without one a core can be made, and the first mount crashes.
type registry struct{}

func (registry) Contains(name string, _ consts.PluginType) bool { return plugins[name] != nil }

func (registry) Get(name string, _ consts.PluginType) (func() (interface{}, error), bool) {
	return func() (interface{}, error) { return plugins[name], nil }, plugins[name] != nil
}

func (registry) Keys(consts.PluginType) []string { return []string{"kv", "approle"} }

func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: vaultd ADDR ROOT_TOKEN")
	}
	addr, token := os.Args[1], os.Args[2]
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn})
	storage, err := inmem.NewInmem(nil, logger)
	must(err)
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		Logger:             logger,
		DisableMlock:       true,
		BuiltinRegistry:    registry{},
		RedirectAddr:       "http://" + addr,
		LogicalBackends:    plugins,
		CredentialBackends: plugins,
	})
	must(err)
	ctx := namespace.RootContext(context.Background())
	keys, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}})
	must(err)
	_, err = core.Unseal(keys.SecretShares[0])
	must(err)
	update := func(path string, data fields) {
		_, err := core.HandleRequest(ctx, &logical.Request{
			Operation: logical.UpdateOperation, ClientToken: keys.RootToken, Path: path, Data: data,
		})
		must(err)
	}
	update("auth/token/create", fields{"id": token, "policies": []string{"root"}, "no_parent": true})
	update("sys/mounts/secret", fields{"type": "kv", "options": fields{"version": "2"}})
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{Address: addr}})
	must(http.ListenAndServe(addr, handler))
}
