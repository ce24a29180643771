import { checkUrl, type Rule } from '../rule.ts';

/** Every variable that an instruction uses is set. */
export const undefinedVar: Rule = {
  id: 'UndefinedVar',
  url: checkUrl('UndefinedVar'),
  severity: 'warning',
  summary: 'every variable is set before it is used',
  why: 'A variable that is not set is empty: `COPY $SRC .` copies everything. An ARG from before the first `FROM` must be declared again in the stage (`ARG SRC`). What `RUN`, `CMD` and `ENTRYPOINT` use is the shell’s business, and not looked at. Variables of the base image count as set if the image is in the store; if it is not, only a name that is nearly one of the file’s own is told of.',
  needs: 'file',
  examples: {
    bad: 'FROM scratch\nARG SRC=app\nCOPY $SCR .\n',
    good: 'FROM scratch\nARG SRC=app\nCOPY $SRC .\n',
  },
  *check(subject) {
    for (const { lines } of subject.walked()) {
      for (const { instruction: on, missing } of lines) {
        for (const { name, at, near } of missing) {
          yield {
            message: `Usage of undefined variable '$${name}'${near === undefined ? '' : ` (did you mean $${near}?)`}`,
            on,
            at: at.range,
          };
        }
      }
    }
  },
};
