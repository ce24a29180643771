import { checkUrl, type Rule } from '../rule.ts';

const RESERVED = ['scratch', 'context'];

/** No stage is called as something that builders know by name. */
export const reservedStageName: Rule = {
  id: 'ReservedStageName',
  url: checkUrl('ReservedStageName'),
  severity: 'error',
  summary: 'no stage is called scratch or context',
  why: '`scratch` is the empty image and `context` the files that are given to the build. A stage of that name cannot be reached by it.',
  needs: 'file',
  examples: {
    bad: 'FROM alpine AS scratch\nFROM alpine AS context\n',
    good: 'FROM alpine AS builder\n',
  },
  *check({ stages }) {
    for (const { name, from } of stages) {
      if (name === undefined || !RESERVED.includes(name)) continue;
      yield {
        message: `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`,
        on: from,
        at: from.as?.name.range,
      };
    }
  },
};
