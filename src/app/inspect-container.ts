import { existsSync, readFileSync } from 'node:fs';
import { networkMode } from '../containers/network-facts.ts';
import type { Container, ContainerState } from '../containers/types.ts';
import { chainIds } from '../image/chain-id.ts';
import { formatPaths, type SnapshotFormat, snapshotName, snapshotPaths } from '../rootfs/snapshot-names.ts';
import { ownerPid } from '../store/owner.ts';
import type { App } from './app.ts';
import { lookUpContainer, openContainers } from './containers.ts';
import { networkSettings, portBindings } from './inspect-network.ts';

/** docker's way to say that there is no such moment. */
const NEVER = '0001-01-01T00:00:00Z';

/** Everything about a container under docker's names. `GraphDriver.Data` names the directories on this machine that its files lie in. @throws CONTAINER_UNKNOWN */
export async function inspectContainer(app: App, name: string): Promise<Readonly<Record<string, unknown>>> {
  const { records, storeFolder } = await openContainers(app);
  const container = await lookUpContainer(records, name);
  const { id, image, process: ran, config, createdAt, state } = container;
  const [path = '', ...args] = ran.args;
  return {
    Id: id,
    Created: new Date(createdAt).toISOString(),
    Path: path,
    Args: args,
    State: stateOf(state),
    Image: image.id,
    RestartCount: container.restarts?.count ?? 0,
    Name: `/${container.name}`,
    Platform: 'linux',
    Driver: 'overlay',
    HostConfig: {
      Binds: ran.binds.map(
        ({ source, target, readOnly, volume }) => `${volume ?? source}:${target}${readOnly ? ':ro' : ''}`,
      ),
      NetworkMode: networkMode(container),
      PortBindings: portBindings(container),
      RestartPolicy: {
        Name: container.restart?.name ?? 'no',
        MaximumRetryCount: container.restart?.most ?? 0,
      },
      Memory: ran.resources?.memory ?? 0,
      MemorySwap: ran.resources?.memorySwap ?? 0,
      MemoryReservation: ran.resources?.memoryReservation ?? 0,
      CpuShares: ran.resources?.cpuShares ?? 0,
      CpuPeriod: ran.resources?.cpuPeriod ?? 0,
      CpuQuota: ran.resources?.cpuQuota ?? 0,
      CpusetCpus: ran.resources?.cpus ?? '',
      PidsLimit: ran.resources?.pids ?? null,
      Privileged: ran.privileged === true,
      ...(ran.init !== undefined && { Init: true }),
      ReadonlyRootfs: ran.confinement?.readOnlyRoot === true,
      CapAdd: ran.confinement?.capAdd ?? null,
      CapDrop: ran.confinement?.capDrop ?? null,
      AutoRemove: container.autoRemove,
      Runtime: container.runtime ?? app.settings.runtime,
    },
    ...graphOf(storeFolder, records.folderOf(id), container),
    Mounts: [
      ...ran.binds.map(({ source, target, readOnly, volume }) => ({
        Type: volume === undefined ? 'bind' : 'volume',
        ...(volume !== undefined && { Name: volume }),
        Source: source,
        Destination: target,
        ...(volume !== undefined && { Driver: 'local' }),
        Mode: readOnly ? 'ro' : '',
        RW: !readOnly,
        Propagation: volume === undefined ? 'rprivate' : '',
      })),
      ...(ran.memory ?? []).map(({ target, readOnly }) => ({
        Type: 'tmpfs',
        Source: '',
        Destination: target,
        Mode: '',
        RW: readOnly !== true,
        Propagation: '',
      })),
    ],
    NetworkSettings: networkSettings(container),
    Config: {
      Hostname: ran.hostname,
      User: ran.user,
      Tty: ran.tty,
      OpenStdin: container.interactive,
      ...config,
      Env: ran.env,
      Image: image.name,
      WorkingDir: config.WorkingDir ?? '',
    },
  };
}

function stateOf(state: ContainerState): Readonly<Record<string, unknown>> {
  const time = (at: number | undefined): string => (at === undefined ? NEVER : new Date(at).toISOString());
  const isPaused = state.kind === 'running' && state.paused === true;
  const ended = state.kind === 'exited' || state.kind === 'restarting' ? state : undefined;
  const failed = state.kind === 'exited' || state.kind === 'created' ? state : undefined;
  const isRestarting = state.kind === 'restarting';
  return {
    Status: isPaused ? 'paused' : state.kind,
    // docker's: who waits to be started again counts as running.
    Running: state.kind === 'running' || isRestarting,
    Paused: isPaused,
    Restarting: isRestarting,
    Dead: state.kind === 'removing',
    Pid: state.kind === 'running' ? (ownerPid(state.owner) ?? 0) : 0,
    ExitCode: (ended ?? failed)?.code ?? 0,
    Error: failed?.problem ?? '',
    StartedAt: time(state.kind === 'running' ? state.startedAt : ended?.startedAt),
    FinishedAt: time(ended?.finishedAt),
  };
}

/** The directories of the root, as overlayfs names them; a whole copy is one directory. Topmost first, like docker. */
function graphOf(storeFolder: string, folder: string, { image }: Container): Record<string, unknown> {
  const root = `${folder}/root`;
  const format = formatOf(root);
  const { layers } = formatPaths(snapshotPaths(storeFolder), format);
  const chains = chainIds(image.layers.map(({ diffId }) => diffId)).reverse();
  const lowers = chains.map((chainId) => `${layers}/${snapshotName(chainId)}`);
  if (format === 'whole') {
    const [below] = lowers;
    return {
      GraphDriver: { Name: 'copy', Data: { ...(below && { LowerDir: below }), UpperDir: `${root}/m` } },
    };
  }
  const data = { LowerDir: lowers.join(':'), UpperDir: `${root}/u`, WorkDir: `${root}/w` };
  return { GraphDriver: { Name: 'overlay', Data: existsSync(root) ? data : { LowerDir: data.LowerDir } } };
}

function formatOf(root: string): SnapshotFormat {
  try {
    return readFileSync(`${root}/format`, 'latin1') as SnapshotFormat;
  } catch {
    return process.getuid?.() === 0 ? 'trusted' : 'user';
  }
}
