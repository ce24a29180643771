import { checkUrl, type Rule } from '../rule.ts';

/** A stage's name is in lower case. */
export const stageNameCasing: Rule = {
  id: 'StageNameCasing',
  url: checkUrl('StageNameCasing'),
  severity: 'warning',
  summary: 'the name of a stage is in lower case',
  why: 'Instructions are commonly in capitals and names in lower case, so that one sees at once which is which. Look-ups ignore the case of a stage’s name, so a change of case breaks nothing.',
  needs: 'line',
  examples: {
    bad: 'FROM alpine AS BuilderBase\nRUN make\n',
    good: 'FROM alpine AS builder-base\nRUN make\n',
  },
  *check({ stages }) {
    for (const { from } of stages) {
      const name = from.as?.name;
      if (name === undefined || name.text === name.text.toLowerCase()) continue;
      yield {
        message: `Stage name '${name.text}' should be lowercase`,
        on: from,
        at: name.range,
        fix: [{ range: name.range, text: name.text.toLowerCase() }],
      };
    }
  },
};
