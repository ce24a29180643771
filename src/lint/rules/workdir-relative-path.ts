import { checkUrl, type Rule } from '../rule.ts';

/** The first WORKDIR is absolute. */
export const workdirRelativePath: Rule = {
  id: 'WorkdirRelativePath',
  url: checkUrl('WorkdirRelativePath'),
  severity: 'warning',
  summary: 'the first WORKDIR of a build is an absolute path',
  why: 'A relative path goes on from the folder that the base image happens to set. When the next version of the base sets another one, the files land elsewhere. After one absolute `WORKDIR`, in this stage or the one it starts from, relative ones are safe.',
  needs: 'file',
  examples: {
    bad: 'FROM nginx\nWORKDIR usr/share/nginx/html\nCOPY public .\n',
    good: 'FROM nginx\nWORKDIR /usr/share/nginx/html\nCOPY public .\n',
  },
  *check(subject) {
    const settled = new Map<number, boolean>();
    for (const { stage, base, lines } of subject.walked()) {
      let set = base !== undefined && settled.get(base) === true;
      for (const { instruction: on, words } of lines) {
        if (on.kind !== 'WORKDIR') continue;
        const path = words.get(on.value)?.text ?? on.value.text;
        if (!set && !ABSOLUTE.test(path)) {
          yield {
            message: `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`,
            on,
            at: on.value.range,
          };
        }
        // One is enough: mended, it settles those below it.
        set = true;
      }
      settled.set(stage.index, set);
    }
  },
};

/** On Linux, or with a drive on Windows. */
const ABSOLUTE = /^(?:\/|[A-Za-z]:[\\/])/;
