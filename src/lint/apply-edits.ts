import type { Edit } from './rule.ts';

/** The text with the edits made. Of two that overlap the first by place is made. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const inOrder = [...edits].sort((a, b) => a.range.start.offset - b.range.start.offset);
  let out = '';
  let at = 0;
  for (const { range, text: replacement } of inOrder) {
    if (range.start.offset < at) continue;
    out += text.slice(at, range.start.offset) + replacement;
    at = range.end.offset;
  }
  return out + text.slice(at);
}
