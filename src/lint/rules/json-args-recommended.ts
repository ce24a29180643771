import { checkUrl, type Rule } from '../rule.ts';

/** CMD and ENTRYPOINT in JSON form, unless a SHELL was chosen. */
export const jsonArgsRecommended: Rule = {
  id: 'JSONArgsRecommended',
  url: checkUrl('JSONArgsRecommended'),
  severity: 'warning',
  summary: 'CMD and ENTRYPOINT are JSON arrays',
  why: 'Without brackets the command runs below a shell. The shell is the container’s first process then, and it passes no signals on: `docker stop` waits ten seconds and kills. With a JSON array the program itself is the first process. Where a shell is wanted, `SHELL` says so, and this rule is silent.',
  needs: 'file',
  examples: {
    bad: 'FROM alpine\nENTRYPOINT my-program start\n',
    good: 'FROM alpine\nENTRYPOINT ["my-program", "start"]\n',
  },
  *check(subject) {
    const shells = new Map<number, boolean>();
    for (const { stage, base, image, lines } of subject.walked()) {
      let chosen = image?.hasShell ?? (base !== undefined && shells.get(base) === true);
      for (const { instruction: on } of lines) {
        if (on.kind === 'SHELL') chosen = true;
        if ((on.kind !== 'CMD' && on.kind !== 'ENTRYPOINT') || on.command.form !== 'shell' || chosen)
          continue;
        yield {
          message: `JSON arguments recommended for ${on.kind} to prevent unintended behavior related to OS signals`,
          on,
          at: on.command.range,
        };
      }
      shells.set(stage.index, chosen);
    }
  },
};
