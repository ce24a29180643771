import type { PairsInstruction } from '../../dockerfile/ast.ts';
import { checkUrl, type Edit, type Rule } from '../rule.ts';

/** `ENV key=value` instead of `ENV key value`. */
export const legacyKeyValueFormat: Rule = {
  id: 'LegacyKeyValueFormat',
  url: checkUrl('LegacyKeyValueFormat'),
  severity: 'warning',
  summary: 'ENV and LABEL have = between key and value',
  why: 'In the old form everything behind the first blank is the value, so there can be only one, and `ENV ONE TWO= THREE=world` sets one variable where two seem to stand. With `=` a line sets as many as it shows.',
  needs: 'file',
  examples: { bad: 'FROM alpine\nENV DIR /my folder\n', good: 'FROM alpine\nENV DIR="/my folder"\n' },
  *check(subject) {
    for (const { lines } of subject.walked()) {
      for (const { instruction: on } of lines) {
        if ((on.kind !== 'ENV' && on.kind !== 'LABEL') || !on.legacy) continue;
        yield {
          message: `"${on.kind} key=value" should be used instead of legacy "${on.kind} key value" format`,
          on,
          at: on.text.range,
          fix: mend(on),
        };
      }
    }
  },
};

/** The same with `=`, where quotes around the value change nothing. */
function mend({ pairs }: PairsInstruction): readonly Edit[] | undefined {
  const [pair] = pairs;
  if (pair === undefined) return undefined;
  const { start } = pair.name.range;
  const { end } = pair.value.range;
  if (start.line !== end.line || /["'\\`]/.test(pair.name.text)) return undefined;
  const { text } = pair.value;
  const quoted = /^[^\s"'\\`]+$/.test(text) || /^"[^"\\`]*"$/.test(text);
  if (!quoted && /["'\\`]/.test(text)) return undefined;
  return [{ range: { start, end }, text: `${pair.name.text}=${quoted ? text : `"${text}"`}` }];
}
