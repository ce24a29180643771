import { cleanPath, type IgnorePatterns, matchIgnore } from '../../dockerfile/ignore.ts';
import { checkUrl, type Rule } from '../rule.ts';

/** COPY and ADD name nothing that the .dockerignore leaves out. */
export const copyIgnoredFile: Rule = {
  id: 'CopyIgnoredFile',
  url: checkUrl('CopyIgnoredFile'),
  severity: 'error',
  summary: 'no COPY or ADD names a file that the .dockerignore leaves out',
  why: 'What the .dockerignore matches is not in the build context: the build fails with “not found” although the file is there. Rules with exceptions (`!`) are not judged, since a folder may be left out and a file in it let in again.',
  needs: 'file',
  examples: {
    dockerignore: '*/secret.txt\n.git\n',
    bad: 'FROM scratch\nCOPY config/secret.txt /\n',
    good: 'FROM scratch\nCOPY config/app.txt /\n',
  },
  *check(subject) {
    let left = MAX_MATCHED;
    let patterns: IgnorePatterns | undefined;
    for (const { instruction: on, words } of subject.walked().flatMap(({ lines }) => lines)) {
      if (on.kind !== 'COPY' && on.kind !== 'ADD') continue;
      if (on.flags.some(({ name }) => name.text === 'from')) continue;
      patterns ??= judged(subject.facts.ignore?.());
      if (patterns === undefined) return;
      for (const source of on.sources) {
        const path = words.get(source)?.text ?? source.text;
        if (on.kind === 'ADD' && REMOTE.test(path)) continue;
        left -= patterns.patterns.length;
        if (left < 0) return;
        const clean = cleanPath(path);
        if (!isLeftOut(patterns, clean)) continue;
        const verb = on.kind === 'ADD' ? 'Add' : 'Copy';
        yield {
          message: `Attempting to ${verb} file ${JSON.stringify(clean)} that is excluded by .dockerignore`,
          on,
          at: source.range,
        };
      }
    }
  },
};

/** Sources × patterns that are looked at: less than a second. */
const MAX_MATCHED = 1_000_000;

/** The rules, if they have no exceptions. */
function judged(ignore: IgnorePatterns | undefined): IgnorePatterns | undefined {
  return ignore?.patterns.some(({ reincludes }) => reincludes) ? undefined : ignore;
}

/** URLs and repositories. */
const REMOTE = /^(?:[a-z+]+:\/\/|git@|github\.com\/)/i;
/** Patterns that leave out all that there is. */
const EVERYTHING = new Set(['*', '**', '**/*']);

function isLeftOut(ignore: IgnorePatterns, path: string): boolean {
  // The whole context is nothing that could be left out by its name.
  if (path === '.' || path === '/') return ignore.patterns.some(({ text }) => EVERYTHING.has(text));
  return matchIgnore(ignore, path.replace(/^\/+/, '')).ignored;
}
