import type { Container } from '../containers/types.ts';
import { formatAge } from './units.ts';

/** docker's STATUS: `Up 3 seconds`, `Exited (0) 5 seconds ago`, `Created`. */
export function formatStatus({ state }: Pick<Container, 'state'>, now: number): string {
  switch (state.kind) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${formatAge(now - state.startedAt)}${state.paused === true ? ' (Paused)' : ''}`;
    case 'exited':
      return `Exited (${state.code}) ${formatAge(now - state.finishedAt)} ago`;
    case 'restarting':
      return `Restarting (${state.code}) ${formatAge(now - state.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
  }
}

/** Characters of COMMAND before docker shortens it. */
const COMMAND_WIDTH = 20;

/** docker's COMMAND: in quotes, shortened to 20 characters unless whole. */
export function formatCommand(args: readonly string[], whole: boolean): string {
  const text = args.join(' ');
  const shown =
    whole || [...text].length <= COMMAND_WIDTH ? text : `${[...text].slice(0, COMMAND_WIDTH - 1).join('')}…`;
  return `"${shown.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}
