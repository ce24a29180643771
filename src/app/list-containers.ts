import { isDobosError } from '../base/errors.ts';
import { networkMode, publishedPorts } from '../containers/network-facts.ts';
import { rootOfContainer } from '../containers/run-container.ts';
import type { Container } from '../containers/types.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import { isDigest } from '../oci/digest.ts';
import type { App } from './app.ts';
import { type ContainerTools, lookUpContainer, openContainers } from './containers.ts';
import { findImage } from './find-image.ts';
import { imageSize } from './layer-sizes.ts';
import { type FilterKinds, labelFilter, nameFilter, readFilters } from './list-filters.ts';
import { parseExposed } from './network-options.ts';

/** docker's words for what a container is doing; none is ever dead here. */
const STATUSES: readonly string[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'exited',
  'removing',
  'dead',
];

export interface ListContainersOptions {
  /** Those that do not run too. */
  readonly all: boolean;
  /** `key=value`; of one key any may fit, of several all must. */
  readonly filters?: readonly string[] | undefined;
  /** So many of the newest, whatever they do. */
  readonly last?: number | undefined;
  /** Told of documents that cannot be read. */
  readonly onBroken?: ((error: unknown) => void) | undefined;
}

/** The containers of the store, newest first. @throws LIST_FILTER, RUN_PORT, CONTAINER_UNKNOWN of `before` and `since`, IMAGE_UNKNOWN of `ancestor` */
export async function listContainers(app: App, o: ListContainersOptions): Promise<readonly Container[]> {
  const { records } = await openContainers(app);
  const all = await records.list(o.onBroken);
  const { filters = [] } = o;
  const fits = await readFilters(filters, filterKinds(app, all));
  const anyState =
    o.all || o.last !== undefined || filters.some((filter) => /^(?:status|exited)=/.test(filter));
  return all
    .filter(({ state }) => anyState || state.kind === 'running' || state.kind === 'restarting')
    .filter(fits)
    .slice(0, o.last);
}

function filterKinds(app: App, all: readonly Container[]): FilterKinds<Container> {
  const nearby = (key: 'before' | 'since'): FilterKinds<Container>[string] => ({
    form: `${key}=CONTAINER`,
    async read(value) {
      const { records } = await openContainers(app);
      const other = await lookUpContainer(records, value);
      const at = all.findIndex(({ id }) => id === other.id);
      return (container) => (key === 'since' ? all.indexOf(container) < at : all.indexOf(container) > at);
    },
  });
  return {
    id: nameFilter('id=ID', ({ id }) => [id]),
    // docker's own name of a container begins with a slash.
    name: nameFilter('name=NAME', ({ name }) => [name, `/${name}`]),
    label: labelFilter(({ config }) => config.Labels),
    status: {
      form: `status=${STATUSES.join('|')}`,
      read: (value) =>
        STATUSES.includes(value) ? (container) => statusOf(container) === value : 'there is no such status',
    },
    exited: {
      form: 'exited=CODE',
      read: (value) =>
        /^\d{1,3}$/.test(value)
          ? ({ state }) => state.kind === 'exited' && state.code === Number(value)
          : 'want an exit code',
    },
    ancestor: {
      form: 'ancestor=IMAGE',
      async read(value) {
        const layers = (await findImage(app, value)).layers.map(({ diffId }) => diffId);
        return ({ image }) => layers.every((diffId, at) => image.layers[at]?.diffId === diffId);
      },
    },
    before: nearby('before'),
    since: nearby('since'),
    volume: {
      form: 'volume=NAME|PATH',
      read: (value) => (container) =>
        container.process.binds.some(
          ({ volume, source, target }) => (volume ?? source) === value || target === value,
        ),
    },
    network: {
      form: 'network=host|none|bridge',
      read: (value) => (container) => networkMode(container) === value,
    },
    publish: portFilter('publish', (container) =>
      publishedPorts(container).map(({ hostPort, protocol }) => `${hostPort}/${protocol}`),
    ),
    expose: portFilter('expose', ({ config }) => Object.keys(config.ExposedPorts ?? {})),
  };
}

function portFilter(
  key: string,
  portsOf: (container: Container) => readonly string[],
): FilterKinds<Container>[string] {
  return {
    form: `${key}=PORT[-PORT][/tcp|udp]`,
    group: 'port',
    read(value) {
      const wanted = new Set(parseExposed(value));
      return (container) => portsOf(container).some((port) => wanted.has(port));
    },
  };
}

/** docker's word. */
const statusOf = ({ state }: Container): string =>
  state.kind === 'running' && state.paused === true ? 'paused' : state.kind;

/** What `ps` calls the image: as it was named, or its short id if the name means another one now. */
export async function shownImages(app: App, containers: readonly Container[]): Promise<readonly string[]> {
  const names = new Map<string, string>();
  if (containers.some(({ image }) => image.found !== undefined)) {
    for await (const [name, { digest }] of (await app.store()).list()) names.set(name, digest);
  }
  return containers.map(({ image: { name, found, id } }) =>
    isDigest(name) || (found !== undefined && names.get(found.name) !== found.target) ? shortImage(id) : name,
  );
}

const shortImage = (id: string): string => id.slice('sha256:'.length, 19);

export interface ContainerSize {
  /** Bytes of the files that it added or changed. */
  readonly written: number;
  /** Of its image; undefined if that is damaged. */
  readonly image: number | undefined;
}

/** The sizes of containers. Asks the keeper, as files may belong to users of its namespace; the images' are counted once in the life of a layer. */
export async function containerSizes(app: App, containers: readonly Container[]): Promise<ContainerSize[]> {
  if (containers.length === 0) return [];
  const tools = await openContainers(app);
  const written = await writtenBytes(tools, containers);
  const store = await app.store();
  const sizes: ContainerSize[] = [];
  for (const [at, container] of containers.entries()) {
    const image = await imageOf(app, container);
    sizes.push({ written: written[at] ?? 0, image: image && (await imageSize(store, image)) });
  }
  return sizes;
}

/** Bytes of the files that each container added or changed. */
export async function writtenBytes(
  { records, keeper }: ContainerTools,
  containers: readonly Container[],
): Promise<readonly number[]> {
  return (await keeper()).rootBytes(containers.map((container) => rootOfContainer(records, container)));
}

async function imageOf(app: App, { image }: Container): Promise<Image | undefined> {
  try {
    const platform = app.settings.hostPlatform;
    return await readImage(await app.store(), image.manifest, { platform, orPresent: true });
  } catch (error) {
    // A container that removes itself does not keep its image.
    if (isDobosError(error)) return undefined;
    throw error;
  }
}
