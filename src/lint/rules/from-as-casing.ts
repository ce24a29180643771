import { checkUrl, type Rule } from '../rule.ts';

/** `FROM … AS` or `from … as`. */
export const fromAsCasing: Rule = {
  id: 'FromAsCasing',
  url: checkUrl('FromAsCasing'),
  severity: 'warning',
  summary: 'AS is written in the case of its FROM',
  why: '`FROM … as` works, and reads as if `as` were a part of the name. One case for both keywords is easier on the eye. A FROM of mixed case is for ConsistentInstructionCasing.',
  needs: 'line',
  examples: { bad: 'FROM alpine as build\n', good: 'FROM alpine AS build\n' },
  *check({ stages }) {
    for (const { from } of stages) {
      const keyword = from.as?.keyword;
      const { text } = from.keyword;
      if (keyword === undefined || (text !== text.toLowerCase() && text !== text.toUpperCase())) continue;
      const wanted = text === text.toLowerCase() ? keyword.text.toLowerCase() : keyword.text.toUpperCase();
      if (keyword.text === wanted) continue;
      yield {
        message: `'${keyword.text}' and '${text}' keywords' casing do not match`,
        on: from,
        at: keyword.range,
        fix: [{ range: keyword.range, text: wanted }],
      };
    }
  },
};
