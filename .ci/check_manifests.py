"""check_manifests.py DEFINITIONS FILE...

Checks manifests against the schemas of the Kubernetes API, and those of other kinds against the
CustomResourceDefinitions in a directory.
"""

import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

# The oldest one is what the chart says in kubeVersion.
VERSIONS = ["1.30", "1.37"]


def closed(schema):
    """A schema of a definition that refuses what it doesn't know."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(value) for name, value in schema.items()}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def definitions(directory):
    """The schemas of other kinds, by their version and kind."""
    found = {}
    for path in pathlib.Path(directory).glob("*.yaml"):
        spec = yaml.safe_load(path.read_text())["spec"]
        for version in spec["versions"]:
            schema = closed(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def check(document, others):
    """What is wrong with a document, a line each."""
    schema = others.get((document["apiVersion"], document["kind"]))
    try:
        if schema is not None:
            jsonschema.validate(document, schema)
            return []
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)
        return []
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError as error:
        return [error.message]


def main(directory, *paths):
    others = definitions(directory)
    count = 0
    wrong = []
    for path in paths:
        names = set()
        for document in yaml.safe_load_all(pathlib.Path(path).read_text()):
            name = f"{document['kind']} {document['metadata']['name']}"
            count += 1
            wrong += [f"{path}: {name}: {line}" for line in check(document, others)]
            if name in names:
                wrong.append(f"{path}: {name}: it stands there twice")
            names.add(name)
    print(*wrong, f"{count} manifests in {len(paths)} files, {len(wrong)} faults", sep="\n")
    return 1 if wrong or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
