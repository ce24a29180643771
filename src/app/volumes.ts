import { errorMaker, isDobosError } from '../base/errors.ts';
import { randomBytes } from '../base/random.ts';
import { removeVolume } from '../containers/remove-container.ts';
import { parseVolumeName, usersOf, type Volume } from '../containers/volumes.ts';
import { folderBytes } from '../rootfs/folder-bytes.ts';
import type { App } from './app.ts';
import { type ContainerTools, openContainers } from './containers.ts';
import { labelFilter, nameFilter, readFilters, truthFilter } from './list-filters.ts';

type VolumeErrors = {
  VOLUME_DRIVER: { driver: string };
};
const volumeError = errorMaker<VolumeErrors>({
  VOLUME_DRIVER: ({ driver }) => ({
    message: `volume driver "${driver}" is not there`,
    hint: 'the only one is "local": a folder of the store',
  }),
});

/** Under docker's names. */
export interface VolumeFacts {
  readonly CreatedAt: string;
  readonly Driver: 'local';
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Mountpoint: string;
  readonly Name: string;
  readonly Options: null;
  readonly Scope: 'local';
}

/** Makes a volume, unless there is one of that name; its name. @throws VOLUME_NAME, VOLUME_DRIVER */
export async function createVolume(
  app: App,
  o: { readonly name?: string | undefined; readonly labels: readonly string[]; readonly driver: string },
): Promise<string> {
  if (o.driver !== 'local') throw volumeError('VOLUME_DRIVER', { driver: o.driver });
  const { volumes } = await openContainers(app);
  const anonymous = o.name === undefined;
  const name = parseVolumeName(o.name ?? randomBytes(32).toString('hex'));
  const labels = o.labels.map((text): [string, string] => {
    const equals = text.indexOf('=');
    return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
  });
  const own = anonymous ? { 'com.docker.volume.anonymous': '' } : {};
  await volumes.ensure([{ name, labels: { ...own, ...Object.fromEntries(labels) }, anonymous }]);
  return name;
}

/** By name. @throws LIST_FILTER */
export async function listVolumes(app: App, filters: readonly string[]): Promise<readonly VolumeFacts[]> {
  const tools = await openContainers(app);
  const containers = await tools.records.list();
  const fits = await readFilters<Volume>(filters, {
    dangling: truthFilter('dangling', ({ name }) => usersOf(name, containers).length === 0),
    driver: { form: 'driver=local', read: (value) => () => value === 'local' },
    label: labelFilter(({ labels }) => labels),
    name: nameFilter('name=NAME', ({ name }) => [name]),
  });
  return tools.volumes
    .list()
    .filter(fits)
    .map((volume) => factsOf(tools, volume));
}

/** @throws VOLUME_UNKNOWN */
export async function inspectVolume(app: App, name: string): Promise<VolumeFacts> {
  const tools = await openContainers(app);
  const volume = tools.volumes.get(name);
  if (volume === undefined) {
    const { containerError } = await import('../containers/errors.ts');
    throw containerError('VOLUME_UNKNOWN', { name });
  }
  return factsOf(tools, volume);
}

const factsOf = ({ volumes }: ContainerTools, { name, createdAt, labels }: Volume): VolumeFacts => ({
  CreatedAt: new Date(createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
  Driver: 'local',
  Labels: Object.keys(labels).length === 0 ? null : labels,
  Mountpoint: volumes.folderOf(name),
  Name: name,
  Options: null,
  Scope: 'local',
});

/** With `force` one that is not there is no error. @throws VOLUME_IN_USE, VOLUME_UNKNOWN */
export async function removeVolumeByName(
  app: App,
  name: string,
  o: { readonly force: boolean },
): Promise<void> {
  try {
    await removeVolume(await openContainers(app), name);
  } catch (error) {
    if (!o.force || !isDobosError(error, 'VOLUME_UNKNOWN')) throw error;
  }
}

export interface PrunedVolumes {
  readonly removed: readonly string[];
  readonly bytes: number;
}

/** Removes volumes that no container uses: those without a name, or all. @throws LIST_FILTER */
export async function pruneVolumes(
  app: App,
  o: { readonly all: boolean; readonly filters?: readonly string[] | undefined },
): Promise<PrunedVolumes> {
  let { all } = o;
  const fits = await readFilters<Volume>(o.filters ?? [], {
    label: labelFilter(({ labels }) => labels),
    'label!': labelFilter(({ labels }) => labels, true),
    all: {
      form: 'all=true|false',
      read(value) {
        if (!/^(?:true|false|1|0)$/.test(value)) return 'want true or false';
        all ||= value === 'true' || value === '1';
        return () => true;
      },
    },
  });
  const tools = await openContainers(app);
  const containers = await tools.records.list();
  const idle = tools.volumes
    .list()
    .filter((volume) => (all || volume.anonymous) && fits(volume))
    .filter(({ name }) => usersOf(name, containers).length === 0);
  const sizes = await volumeBytes(tools, idle);
  const removed: string[] = [];
  let bytes = 0;
  for (const [at, { name }] of idle.entries()) {
    try {
      await removeVolume(tools, name);
      removed.push(name);
      bytes += sizes[at] ?? 0;
    } catch (error) {
      // Somebody has used or removed it meanwhile.
      if (!isDobosError(error, 'VOLUME_IN_USE') && !isDobosError(error, 'VOLUME_UNKNOWN')) throw error;
    }
  }
  return { removed, bytes };
}

/** Bytes of the files in each volume. An ordinary user's keeper is asked: they may belong to users of its namespace. */
async function volumeBytes(tools: ContainerTools, volumes: readonly Volume[]): Promise<readonly number[]> {
  if (volumes.length === 0) return [];
  const folders = volumes.map(({ name }) => tools.volumes.folderOf(name));
  return tools.isRoot ? folders.map(folderBytes) : (await tools.keeper()).folderBytes(folders);
}

/** What the volumes take, and how many are in use. */
export async function volumeUse(app: App): Promise<{
  readonly total: number;
  readonly active: number;
  readonly bytes: number;
  readonly reclaimable: number;
}> {
  const tools = await openContainers(app);
  const all = tools.volumes.list();
  const containers = all.length === 0 ? [] : await tools.records.list();
  const sizes = await volumeBytes(tools, all);
  const isUsed = (name: string): boolean => usersOf(name, containers).length > 0;
  const sum = (wanted: (name: string) => boolean): number =>
    all.reduce((total, { name }, at) => total + (wanted(name) ? (sizes[at] ?? 0) : 0), 0);
  return {
    total: all.length,
    active: all.filter(({ name }) => isUsed(name)).length,
    bytes: sum(() => true),
    reclaimable: sum((name) => !isUsed(name)),
  };
}
