#!/usr/bin/env python3
"""The SAM template as CloudFormation makes it from its transform, in JSON: TEMPLATE is translated to OUT.

The code's place is a placeholder that the CDK app replaces; nothing else is touched. Managed policies are not looked up:
the template names none, and one that did would be refused by the translator.
"""
import json
import os
import pathlib
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    def load(self):
        return {}


def main(template, out):
    document = yaml_parse(pathlib.Path(template).read_text())
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = pathlib.PurePath(resource["Properties"]["CodeUri"]).name
            resource["Properties"]["CodeUri"] = {"Bucket": "placeholder", "Key": name}
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # decides the partition of default ARNs, of which there are none
    translated = transform(document, {}, NoManagedPolicies())
    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(translated, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"translate: expected TEMPLATE OUT, found {len(sys.argv) - 1} arguments")
    main(*sys.argv[1:])
