import { describe, expect, it } from 'vitest';
import type { ContainerState } from '../containers/types.ts';
import { formatCommand, formatStatus } from './container-status.ts';

const running = (owner: string, startedAt: number): ContainerState => ({ kind: 'running', startedAt, owner });

describe('docker’s words', () => {
  it.each<[ContainerState, string]>([
    [{ kind: 'created' }, 'Created'],
    [running('x', 6000), 'Up 3 seconds'],
    [{ kind: 'exited', startedAt: 1, finishedAt: 4000, code: 0 }, 'Exited (0) 5 seconds ago'],
    [
      { kind: 'restarting', startedAt: 1, finishedAt: 7000, code: 1, owner: 'x' },
      'Restarting (1) 2 seconds ago',
    ],
    [{ kind: 'removing' }, 'Removal In Progress'],
  ])('STATUS of %j is %s', (state, text) => expect(formatStatus({ state }, 9000)).toBe(text));

  it.each([
    [['/bin/sh'], '"/bin/sh"'],
    [['sh', '-c', 'echo "I love docker"'], '"sh -c echo \\"I love …"'],
    [['printf', 'a\nb'], '"printf a\\nb"'],
  ])('COMMAND of %j is %s', (args, text) => expect(formatCommand(args, false)).toBe(text));
});
