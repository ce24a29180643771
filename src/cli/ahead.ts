/**
 * What the launcher does before it loads the command: where the words ask for a container, and this process cannot be its own keeper, the keeper's process is started, so that the command is
 * loaded beside it. The command takes it over when it starts its keeper, or it ends with this process.
 * @module
 */
import { childEnvironment } from '../base/child-environment.ts';
import { isolatedCommands, refer, type SpawnedKeeper, spawnKeeper } from '../runtime/spawn-keeper.ts';
import { wantsKeeper } from './start-ahead.ts';

/** The process, if these words will want one. */
export function spawnAhead(words: readonly string[]): SpawnedKeeper | undefined {
  if (process.platform !== 'linux' || !wantsKeeper(words)) return undefined;
  const [command] = isolatedCommands(process.getuid?.() ?? 0, process.env.DOBOS_RUNTIME ?? '', []);
  if (command === undefined) return undefined;
  const spawned = spawnKeeper(command, childEnvironment(process.env));
  // What is wrong, the command finds out when it starts one itself.
  spawned.child.on('error', () => {});
  refer(spawned.child, false);
  return spawned;
}
