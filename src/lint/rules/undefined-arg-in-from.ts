// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
import { checkUrl, type Rule } from '../rule.ts';

/** FROM uses only ARGs that stand before the first FROM. */
export const undefinedArgInFrom: Rule = {
  id: 'UndefinedArgInFrom',
  url: checkUrl('UndefinedArgInFrom'),
  severity: 'warning',
  summary: 'every variable in a FROM is an ARG declared before the first FROM',
  why: 'A variable that nobody declares is empty, whatever `--build-arg` says: `FROM node:22${VARIANT}` is `FROM node:22` then. Platform variables such as `$BUILDPLATFORM` are there without an ARG.',
  needs: 'file',
  examples: {
    bad: 'FROM node:22${VARIANT} AS jsbuilder\n',
    good: 'ARG VARIANT="-alpine3.20"\nFROM node:22${VARIANT} AS jsbuilder\n',
  },
  *check(subject) {
    const declared = new Set(subject.globals.flatMap(({ pairs }) => pairs.map(({ name }) => name.text)));
    const lines = subject.fromLines();
    const automatic = subject.facts.automatic?.keys() ?? AUTOMATIC;
    const known = new Set([...declared, ...automatic]);
    for (const { from, image, platform } of lines) {
      for (const { word, unset } of [image, ...(platform === undefined ? [] : [platform])]) {
        for (const name of unset) {
          if (known.has(name)) continue;
          const near = subject.expander.nearest(name, known);
          yield {
            message: `FROM argument '${name}' is not declared${near === undefined ? '' : ` (did you mean ${near}?)`}`,
            on: from,
            at: word.range,
          };
        }
      }
    }
  },
};

const AUTOMATIC: readonly string[] = [
  ...['TARGETPLATFORM', 'TARGETOS', 'TARGETARCH', 'TARGETVARIANT', 'TARGETOSVERSION', 'TARGETSTAGE'],
  ...['BUILDPLATFORM', 'BUILDOS', 'BUILDARCH', 'BUILDVARIANT', 'BUILDOSVERSION'],
];
