// go-mssqldb behind the line protocol of clients/piped.py.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
)

var (
	out      = bufio.NewWriter(os.Stdout)
	db       *sql.DB
	conn     *sql.Conn
	tx       *sql.Tx
	prepared = map[string]*sql.Stmt{}
)

func decode(field string) *string {
	if field == "-" {
		return nil
	}
	text := ""
	if field != "=" {
		raw, err := base64.StdEncoding.DecodeString(field)
		if err != nil {
			panic(err)
		}
		text = string(raw)
	}
	return &text
}

func put(word string, fields ...*string) {
	out.WriteString(word)
	for _, f := range fields {
		text := "-"
		if f != nil {
			text = base64.StdEncoding.EncodeToString([]byte(*f))
			if text == "" {
				text = "="
			}
		}
		out.WriteString("\t" + text)
	}
	out.WriteString("\n")
}

func canonical(value any, kind string) *string {
	var text string
	switch v := value.(type) {
	case nil:
		return nil
	case bool:
		text = "0"
		if v {
			text = "1"
		}
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		switch kind {
		case "DATE":
			text = v.Format("2006-01-02")
		case "TIME":
			text = v.Format("15:04:05.0000000")
		case "DATETIMEOFFSET":
			text = v.Format("2006-01-02 15:04:05.0000000 -07:00")
		default:
			text = v.Format("2006-01-02 15:04:05.0000000")
		}
	case []byte:
		switch kind {
		case "DECIMAL", "MONEY", "SMALLMONEY", "NUMERIC":
			text = string(v)
		case "UNIQUEIDENTIFIER":
			var id mssql.UniqueIdentifier
			if err := id.Scan(v); err != nil {
				panic(err)
			}
			text = id.String()
		default:
			text = strings.ToUpper(hex.EncodeToString(v))
		}
	default:
		text = fmt.Sprint(v)
	}
	return &text
}

func fail(err error) {
	number := int32(0)
	var server mssql.Error
	if errors.As(err, &server) {
		number = server.Number
	}
	n, text := strconv.Itoa(int(number)), err.Error()
	put("error", &n, &text)
}

func parse(kind string, value *string) (any, error) {
	if value == nil {
		if kind == "varbinary" {
			return []byte(nil), nil
		}
		return nil, nil
	}
	switch kind {
	case "int", "bigint":
		return strconv.ParseInt(*value, 10, 64)
	case "bit":
		return *value == "1", nil
	case "float":
		return strconv.ParseFloat(*value, 64)
	case "varbinary":
		return hex.DecodeString(*value)
	case "date", "datetime2":
		layout := "2006-01-02"
		if kind == "datetime2" {
			layout = "2006-01-02 15:04:05.9999999"
		}
		at, err := time.Parse(layout, *value)
		return mssql.DateTimeOffset(at), err
	case "guid":
		var id mssql.UniqueIdentifier
		err := id.Scan(*value)
		return id, err
	default:
		return *value, nil
	}
}

func rows(result *sql.Rows) error {
	defer result.Close()
	for {
		types, err := result.ColumnTypes()
		if err != nil {
			return err
		}
		if len(types) > 0 {
			put("set")
		}
		for result.Next() {
			cells := make([]any, len(types))
			at := make([]any, len(types))
			for i := range cells {
				at[i] = &cells[i]
			}
			if err := result.Scan(at...); err != nil {
				return err
			}
			texts := make([]*string, len(types))
			for i := range cells {
				texts[i] = canonical(cells[i], types[i].DatabaseTypeName())
			}
			put("row", texts...)
		}
		if !result.NextResultSet() {
			return result.Err()
		}
	}
}

func query(ctx context.Context, f []*string) error {
	text, args, n := *f[0], []any{}, 0
	if len(f) > 2 {
		var named strings.Builder
		for _, c := range text {
			if c == '?' {
				n++
				fmt.Fprintf(&named, "@p%d", n)
			} else {
				named.WriteRune(c)
			}
		}
		text = named.String()
	}
	for i := 2; i < len(f); i += 2 {
		v, err := parse(*f[i], f[i+1])
		if err != nil {
			return err
		}
		args = append(args, v)
	}
	var result *sql.Rows
	var err error
	switch {
	case len(f) > 2 && *f[1] == "1":
		statement := prepared[text]
		if statement == nil {
			if statement, err = conn.PrepareContext(ctx, text); err != nil {
				return err
			}
			prepared[text] = statement
		}
		result, err = statement.QueryContext(ctx, args...)
	case tx != nil:
		result, err = tx.QueryContext(ctx, text, args...)
	default:
		result, err = conn.QueryContext(ctx, text, args...)
	}
	if err != nil {
		return err
	}
	return rows(result)
}

func connect(f []*string) (err error) {
	address := url.URL{Scheme: "sqlserver", User: url.UserPassword(*f[2], *f[3]), Host: "127.0.0.1:" + *f[0]}
	encrypt := map[string]string{"off": "disable", "login": "false", "full": "true"}[*f[1]]
	options := url.Values{"encrypt": {encrypt}, "TrustServerCertificate": {"true"}, "dial timeout": {"10"}}
	if ca, verify := strings.CutPrefix(*f[1], "verify:"); verify {
		options.Set("encrypt", "true")
		options.Set("TrustServerCertificate", "false")
		options.Set("certificate", ca)
		options.Set("hostNameInCertificate", "localhost")
	}
	if *f[4] != "" {
		options.Set("database", *f[4])
	}
	address.RawQuery = options.Encode()
	if db, err = sql.Open("sqlserver", address.String()); err != nil {
		return err
	}
	conn, err = db.Conn(context.Background())
	return err
}

func drain(ctx context.Context, text string) error {
	result, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer result.Close()
	types, err := result.ColumnTypes()
	if err != nil {
		return err
	}
	cells, at, count := make([]any, len(types)), make([]any, len(types)), 0
	for i := range cells {
		at[i] = &cells[i]
	}
	for ; result.Next(); count++ {
		if err := result.Scan(at...); err != nil {
			return err
		}
	}
	total := strconv.Itoa(count)
	put("set")
	put("row", &total)
	return result.Err()
}

func bulk(ctx context.Context, f []*string) error {
	load, err := conn.PrepareContext(ctx, mssql.CopyIn(*f[0], mssql.BulkOptions{}, "id", "t", "b"))
	if err != nil {
		return err
	}
	defer load.Close()
	for i := 1; i+2 < len(f); i += 3 {
		id, err := strconv.Atoi(*f[i])
		if err != nil {
			return err
		}
		var text, data any
		if f[i+1] != nil {
			text = *f[i+1]
		}
		if f[i+2] != nil {
			if data, err = hex.DecodeString(*f[i+2]); err != nil {
				return err
			}
		}
		if _, err := load.ExecContext(ctx, id, text, data); err != nil {
			return err
		}
	}
	_, err = load.ExecContext(ctx)
	return err
}

func handle(word string, f []*string) (err error) {
	ctx := context.Background()
	switch word {
	case "connect":
		return connect(f)
	case "query":
		return query(ctx, f)
	case "drain":
		return drain(ctx, *f[0])
	case "bulk":
		return bulk(ctx, f)
	case "begin":
		tx, err = conn.BeginTx(ctx, nil)
	case "commit":
		err = tx.Commit()
		tx = nil
	case "rollback":
		err = tx.Rollback()
		tx = nil
	case "cancel":
		ms, _ := strconv.Atoi(*f[1])
		limited, stop := context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
		defer stop()
		zero := "0"
		if err = query(limited, []*string{f[0], &zero}); errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	default:
		conn.Close()
		err = db.Close()
	}
	return err
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		parts := strings.Split(in.Text(), "\t")
		fields := []*string{}
		for _, p := range parts[1:] {
			fields = append(fields, decode(p))
		}
		if err := handle(parts[0], fields); err != nil {
			fail(err)
		}
		put("end")
		out.Flush()
	}
}
