"""A variant's corpus: what one connector left in Kafka, as a list of entries and as a file of JSON lines.

    {"schema":1,"is":{…}}                                         each schema once, where it is first used
    {"topic":…,"partition":0,"key":…,"value":…,"keySchema":1,"valueSchema":2,"headers":[[name,{…}]]}
    {"offset":["connector",{…}],"value":{…}}                      the last one per source partition
    {"failure":…}                                                 instead of all that: why there is nothing
"""

import os

from . import text


def entry(topic, record, prefix):
    """One record of Kafka."""
    key_schema, key = text.parse(record.raw_key)
    value_schema, value = text.parse(record.raw_value)
    made = {"topic": topic, "partition": text.Number(record.partition), "key": key, "value": value}
    text.without_clocks(made, text.kind_of(topic, prefix))
    made |= {"keySchema": key_schema, "valueSchema": value_schema}
    if record.header_list:
        made["headers"] = [[name, *text.parse(raw)] for name, raw in record.header_list]
    return made


def collect(tail, names, prefix, offsets):
    """names: the topics of this connector; offsets: {raw key: raw value}"""
    entries = []
    for name in sorted(names):
        found = sorted(tail.of(name), key=lambda r: r.partition)
        made = [entry(name, r, prefix) for r in found]
        if text.kind_of(name, prefix) in text.REPEATED:
            made = [m for i, m in enumerate(made) if i == 0 or m != made[i - 1]]
        entries += made
    for key in sorted(offsets):
        entries.append({"offset": text.loads(key.decode()), "value": text.loads(offsets[key].decode())})
    return entries


def write(path, entries):
    numbers, lines = {}, []

    def number(schema):
        if schema is None:
            return None
        spelled = text.dumps(schema)
        if spelled not in numbers:
            numbers[spelled] = text.Number(len(numbers) + 1)
            lines.append(f'{{"schema":{numbers[spelled]},"is":{spelled}}}')
        return numbers[spelled]

    for e in entries:
        if "topic" in e:
            e = {**e, "keySchema": number(e["keySchema"]), "valueSchema": number(e["valueSchema"])}
        lines.append(text.dumps(e))
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    os.rename(temporary, path)


def read(path):
    schemas, entries = {None: None}, []
    with open(path, encoding="utf-8") as f:
        for line in f:
            e = text.loads(line)
            if "is" in e:
                schemas[e["schema"]] = e["is"]
                continue
            if "topic" in e:
                e["keySchema"], e["valueSchema"] = schemas[e["keySchema"]], schemas[e["valueSchema"]]
            entries.append(e)
    return entries
