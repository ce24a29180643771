import { dirname } from 'node:path';
import { findProgram } from '../base/find-program.ts';
import { workOpenly } from '../base/umask.ts';
import { closeOthersOnExec } from '../linux/process.ts';
import type { FromKeeper } from './keeper-messages.ts';
import { settleHere } from './keeper-namespace.ts';
import { isRuncOrCrun } from './known-runtimes.ts';
import type { KeeperProcess } from './launch-keeper.ts';
import type { OwnMounts } from './own-mounts.ts';
import type { HerePrograms } from './runtime-place.ts';
import { searchPathOf } from './search-path.ts';
import type { KeeperOptions } from './types.ts';

/**
 * A keeper that is this process, as if it was another. Undefined where that cannot be: then there must be one. `mounts` are those that this program has given itself at its start, `path` is the value of PATH.
 */
export async function keepHere(
  options: KeeperOptions,
  receive: (message: FromKeeper) => unknown,
  { mounts, path }: { readonly mounts: OwnMounts; readonly path: string | undefined },
): Promise<KeeperProcess | undefined> {
  const searchPath = searchPathOf(path);
  const programs = findPrograms(searchPath);
  if (programs === undefined || !mayWork(options.runtime) || needsPasta(searchPath)) return undefined;
  if (!(await mounts.isWhole())) return undefined;
  closeOthersOnExec();
  settleHere();
  const working = new Map<number, () => void>();
  const hear = (message: FromKeeper): unknown => {
    if (message.kind === 'done' || message.kind === 'failed') {
      working.get(message.id)?.();
      working.delete(message.id);
    }
    return receive(message);
  };
  const opened = workOpenly();
  try {
    const { serveHere } = await import('./serve-here.ts');
    const here = await serveHere(options, hear, { programs, path });
    return here && { ...here, send: openly(here.send, working) };
  } finally {
    opened();
  }
}

/** Each call is worked for openly until its answer. */
const openly =
  (send: KeeperProcess['send'], working: Map<number, () => void>): KeeperProcess['send'] =>
  (message) => {
    if (message.kind === 'call') working.set(message.id, workOpenly());
    send(message);
  };

/** Whether it is worth a try: the executors that are not runtimes need the keeper's namespaces around them. */
const mayWork = (runtime: string): boolean => runtime === 'auto' || isRuncOrCrun(runtime);

/** It puts itself into the background, where only a keeper's namespace would end it with the rest. */
const needsPasta = (searchPath: string): boolean =>
  !['ip', 'slirp4netns'].some((name) => findProgram(name, searchPath) !== undefined) &&
  findProgram('pasta', searchPath) !== undefined;

function findPrograms(searchPath: string): HerePrograms | undefined {
  const setpriv = findProgram('setpriv', searchPath);
  if (setpriv === undefined) return undefined;
  // Of one package, so most often in one folder.
  const near = `${dirname(setpriv)}:${searchPath}`;
  const unshare = findProgram('unshare', near);
  const nsenter = findProgram('nsenter', near);
  return unshare === undefined || nsenter === undefined ? undefined : { setpriv, unshare, nsenter };
}
