import { checkUrl, type Rule } from '../rule.ts';

/** Every stage has a name of its own. */
export const duplicateStageName: Rule = {
  id: 'DuplicateStageName',
  url: checkUrl('DuplicateStageName'),
  severity: 'warning',
  summary: 'no two stages have the same name',
  why: 'A stage hides an earlier one of its name from every `FROM`, `COPY --from` and `--target` below it. That is hardly ever what was meant. Case makes no difference.',
  needs: 'file',
  examples: {
    bad: 'FROM debian AS builder\nFROM golang AS builder\n',
    good: 'FROM debian AS deb-builder\nFROM golang AS go-builder\n',
  },
  *check({ stages }) {
    const seen = new Set<string>();
    for (const { name, from } of stages) {
      if (name === undefined) continue;
      if (seen.has(name)) {
        yield {
          message: `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`,
          on: from,
          at: from.as?.name.range,
        };
      }
      seen.add(name);
    }
  },
};
