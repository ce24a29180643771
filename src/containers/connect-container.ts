import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Keeper, Process } from '../runtime/types.ts';
import { awaitProcess } from './await-process.ts';
import type { ContainerRecords } from './container-records.ts';
import { containerError } from './errors.ts';
import type { Container } from './types.ts';

export interface ConnectOptions extends CallOptions {
  /** Told what is less than was asked for. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** The container's process with its network made, which is written down: who looks at the container sees its address and ports. @throws CONTAINER_NETWORK, RUNTIME_NETWORK…, RUNTIME_PORT… */
export async function connectContainer(
  records: ContainerRecords,
  keeper: Keeper,
  { id, network: wanted, process }: Container,
  o: ConnectOptions,
): Promise<{ readonly process: Process; close(): Promise<void> }> {
  if (wanted === undefined) return { process, close: async () => {} };
  const open = await keeper.openNetwork(
    wanted.mode === 'bridge'
      ? { kind: 'bridge', ports: wanted.ports }
      : { kind: 'join', pid: await processOf(records, wanted.of, o) },
    { signal: o.signal },
  );
  if (open.warning !== undefined) o.onWarning?.(open.warning);
  const { address, ports } = open;
  await records.change(id, (now) =>
    now.state.kind === 'running' ? { ...now, state: { ...now.state, network: { address, ports } } } : now,
  );
  return { process: { ...process, network: open.network }, close: () => keeper.closeNetwork(open.id) };
}

/** The first process of another container. @throws CONTAINER_NETWORK unless it runs where it can be seen */
async function processOf(records: ContainerRecords, id: string, o: CallOptions): Promise<number> {
  const name = records.get(id)?.name ?? id;
  const cannot = (state: string): Error => containerError('CONTAINER_NETWORK', { name, state });
  const first = await awaitProcess(records, { id, name }, o).catch((error: unknown) => {
    if (isDobosError(error, 'CONTAINER_NOT_RUNNING')) throw cannot(String(error.facts.state));
    throw isDobosError(error, 'CONTAINER_ELSEWHERE') ? cannot('running') : error;
  });
  if (first === undefined) throw cannot('running');
  return first;
}
