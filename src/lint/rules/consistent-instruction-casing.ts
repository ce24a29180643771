import type { Instruction } from '../../dockerfile/ast.ts';
import { checkUrl, type Rule } from '../rule.ts';

/** All instructions in one case. */
export const consistentInstructionCasing: Rule = {
  id: 'ConsistentInstructionCasing',
  url: checkUrl('ConsistentInstructionCasing'),
  severity: 'warning',
  summary: 'all instructions of the file are written in one case',
  why: 'The case of an instruction means nothing to a builder. To people it is what tells instructions from their arguments, if it is the same throughout: capitals by custom, or lower case. What most of the file does is taken as what is meant.',
  needs: 'file',
  examples: {
    bad: 'FROM alpine\nRun apk add curl\nCOPY . /app\n',
    good: 'FROM alpine\nRUN apk add curl\nCOPY . /app\n',
  },
  *check({ stages }) {
    const all = stages.flatMap(({ from, instructions }): Instruction[] => [from, ...instructions]);
    const count = (change: (word: string) => string): number =>
      all.filter(({ keyword: { text } }) => text === change(text)).length;
    const lower = count((word) => word.toLowerCase()) > count((word) => word.toUpperCase());
    for (const on of all) {
      const { text, range } = on.keyword;
      const wanted = lower ? text.toLowerCase() : text.toUpperCase();
      if (text === wanted) continue;
      yield {
        message: `Command '${text}' should match the case of the command majority (${lower ? 'lowercase' : 'uppercase'})`,
        on,
        at: range,
        fix: [{ range, text: wanted }],
      };
    }
  },
};
