import { errorMaker } from '../base/errors.ts';
import type { RestartPolicy } from '../containers/restart-policy.ts';

type RestartErrors = {
  RUN_RESTART: { problem: string; hint?: string | undefined };
};
const restartError = errorMaker<RestartErrors>({
  RUN_RESTART: ({ problem, hint }) => ({ message: problem, hint }),
});

const NAMES = ['always', 'unless-stopped', 'on-failure'] as const;

/** What `--restart` says, in docker's words; undefined for never. @throws RUN_RESTART */
export function readRestartPolicy(text: string | undefined, autoRemove: boolean): RestartPolicy | undefined {
  if (text === undefined || text === '') return undefined;
  const wrong = (problem: string): Error =>
    restartError('RUN_RESTART', {
      problem: `--restart ${text}: ${problem}`,
      hint: 'want no, on-failure, on-failure:5, always or unless-stopped',
    });
  const [wanted = '', count, ...more] = text.split(':');
  if (more.length > 0) throw wrong('invalid restart policy format');
  if (wanted === '') throw wrong('invalid restart policy format: no policy provided before colon');
  if (count !== undefined && !/^[+-]?\d{1,9}$/.test(count)) {
    throw wrong('invalid restart policy format: maximum retry count must be an integer');
  }
  const most = Number(count ?? 0);
  const name = NAMES.find((each) => each === wanted);
  if (name === undefined && wanted !== 'no')
    throw wrong(`invalid restart policy: unknown policy '${wanted}'`);
  if (most !== 0 && name !== 'on-failure') {
    throw wrong("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
  if (most < 0) throw wrong('invalid restart policy: maximum retry count cannot be negative');
  if (name === undefined) return undefined;
  if (autoRemove) {
    throw restartError('RUN_RESTART', {
      problem: 'conflicting options: --restart and --rm',
      hint: 'what removes itself when it ends cannot be started again',
    });
  }
  return { name, most };
}
