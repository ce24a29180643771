import { errorMaker, isDobosError } from '../base/errors.ts';
import { rootOfContainer } from '../containers/run-container.ts';
import type { Container, ContainerState } from '../containers/types.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import { isDigest } from '../oci/digest.ts';
import type { App } from './app.ts';
import { type ContainerTools, lookUpContainer, openContainers } from './containers.ts';
import { findImage } from './find-image.ts';
import { imageSize } from './layer-sizes.ts';

type ListErrors = {
  PS_FILTER: { filter: string; problem: string };
};
const listError = errorMaker<ListErrors>({
  PS_FILTER: ({ filter, problem }) => ({
    message: `filter "${filter}": ${problem}`,
    hint: 'want id=, name=, label=KEY[=VALUE], status=, exited=CODE, ancestor=IMAGE, before= or since=CONTAINER',
  }),
});

/** docker's words for what a container is doing. */
const STATES: readonly ContainerState['kind'][] = ['created', 'running', 'restarting', 'exited', 'removing'];

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

/** The containers of the store, newest first. @throws PS_FILTER, CONTAINER_UNKNOWN of `before` and `since`, IMAGE_UNKNOWN of `ancestor` */
export async function listContainers(app: App, o: ListContainersOptions): Promise<readonly Container[]> {
  const { records } = await openContainers(app);
  const all = await records.list(o.onBroken);
  const filters = (o.filters ?? []).map(parseFilter);
  const anyState =
    o.all || o.last !== undefined || filters.some(({ key }) => key === 'status' || key === 'exited');
  const tests = new Map<string, ((container: Container) => boolean)[]>();
  for (const filter of filters) {
    const test = await testOf(app, filter, all);
    tests.set(filter.key, [...(tests.get(filter.key) ?? []), test]);
  }
  return all
    .filter(({ state }) => anyState || state.kind === 'running' || state.kind === 'restarting')
    .filter((container) => [...tests.values()].every((some) => some.some((test) => test(container))))
    .slice(0, o.last);
}

interface Filter {
  readonly text: string;
  readonly key: string;
  readonly value: string;
}

function parseFilter(text: string): Filter {
  const at = text.indexOf('=');
  if (at <= 0) throw listError('PS_FILTER', { filter: text, problem: 'want key=value' });
  return { text, key: text.slice(0, at), value: text.slice(at + 1) };
}

async function testOf(
  app: App,
  { text, key, value }: Filter,
  all: readonly Container[],
): Promise<(container: Container) => boolean> {
  const wrong = (problem: string): Error => listError('PS_FILTER', { filter: text, problem });
  switch (key) {
    case 'id':
      return ({ id }) => id.startsWith(value);
    case 'name':
      return ({ name }) => name.includes(value.replace(/^\//, ''));
    case 'label':
      return ({ config }) => {
        const [label = '', ...rest] = value.split('=');
        const got = config.Labels?.[label];
        return got !== undefined && (rest.length === 0 || got === rest.join('='));
      };
    case 'status':
      if (!STATES.some((kind) => kind === value)) throw wrong(`want ${STATES.join(', ')}`);
      return ({ state }) => state.kind === value;
    case 'exited':
      if (!/^\d{1,3}$/.test(value)) throw wrong('want an exit code');
      return ({ state }) => state.kind === 'exited' && state.code === Number(value);
    case 'ancestor': {
      const layers = (await findImage(app, value)).layers.map(({ diffId }) => diffId);
      return ({ image }) => layers.every((diffId, at) => image.layers[at]?.diffId === diffId);
    }
    case 'before':
    case 'since': {
      const { records } = await openContainers(app);
      const other = await lookUpContainer(records, value);
      const at = all.findIndex(({ id }) => id === other.id);
      return (container) => (key === 'since' ? all.indexOf(container) < at : all.indexOf(container) > at);
    }
    default:
      throw wrong('there is no such filter');
  }
}

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
