import type { Instruction } from '../../dockerfile/ast.ts';
import { checkUrl, type Rule } from '../rule.ts';

const ONCE: ReadonlySet<Instruction['kind']> = new Set(['CMD', 'ENTRYPOINT', 'HEALTHCHECK'] as const);

/** One CMD, ENTRYPOINT and HEALTHCHECK a stage. */
export const multipleInstructionsDisallowed: Rule = {
  id: 'MultipleInstructionsDisallowed',
  url: checkUrl('MultipleInstructionsDisallowed'),
  severity: 'warning',
  summary: 'a stage has one CMD, one ENTRYPOINT and one HEALTHCHECK at most',
  why: 'Only the last of them counts. The earlier ones look as if they did something. The line that is told of is the one without effect.',
  needs: 'file',
  examples: {
    bad: 'FROM alpine\nENTRYPOINT ["echo", "hello"]\nENTRYPOINT ["echo", "hi"]\n',
    good: 'FROM alpine\nENTRYPOINT ["echo", "hi"]\n',
  },
  *check(subject) {
    for (const { lines } of subject.walked()) {
      const before = new Map<Instruction['kind'], Instruction>();
      for (const { instruction: on } of lines) {
        if (!ONCE.has(on.kind)) continue;
        const earlier = before.get(on.kind);
        before.set(on.kind, on);
        if (earlier === undefined) continue;
        yield {
          message: `Multiple ${on.kind} instructions should not be used in the same stage because only the last one will be used`,
          on,
          range: earlier.range,
          at: earlier.keyword.range,
        };
      }
    }
  },
};
