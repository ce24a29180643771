import { hashShortBy } from '../base/bytes.ts';
import { opensslSha256 } from '../linux/sha256.ts';
import type { FromKeeper } from './keeper-messages.ts';
import { openKeeperTools } from './keeper-tools.ts';
import { isRuncOrCrun } from './known-runtimes.ts';
import type { KeeperProcess } from './launch-keeper.ts';
import { type HerePrograms, placeHere } from './runtime-place.ts';
import { createCallServer } from './serve-calls.ts';
import { executorFacts } from './serve-keeper.ts';
import type { KeeperOptions } from './types.ts';

/**
 * The keeper's work in this process. Each container's runtime is first of a pid namespace of its own and is killed with this process, and all in it then; the mounts go with the mount namespace.
 * Undefined where no runtime works that can do so. In the command this module has a bundle of its own but for `run` (scripts/build.ts): it may share no variables with what imports it.
 */
export async function serveHere(
  options: KeeperOptions,
  receive: (message: FromKeeper) => unknown,
  { programs, path }: { readonly programs: HerePrograms; readonly path: string | undefined },
): Promise<KeeperProcess | undefined> {
  hashShortBy(opensslSha256());
  const tools = await openKeeperTools(options, { clientProc: '/proc', path, place: placeHere(programs) });
  const choice = await tools.executor('plain').catch(() => undefined);
  if (choice?.program === undefined || !isRuncOrCrun(choice.program)) return undefined;
  const server = createCallServer(
    () => tools,
    async (message) => void (await receive(message)),
  );
  return {
    executor: await executorFacts(tools, 'plain'),
    channel: undefined,
    send(message) {
      if (message.kind !== 'open' && message.kind !== 'close') void server.receive(message);
    },
    // What runs keeps this process alive.
    hold() {},
    release() {},
    async close() {
      await new Promise<void>((resolve) => server.onIdle(resolve));
      await server.release();
      // What cannot be removed is what a killed process leaves, and goes when the next one comes.
      try {
        tools.snapshotter.close();
      } catch {}
    },
  };
}
