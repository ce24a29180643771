import { existsSync } from 'node:fs';
import type { ByteStream } from '../base/bytes.ts';
import { errorMaker, isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Image } from '../image/types.ts';
import type { ArchiveLabels } from '../image/view-archive.ts';
import { parsePlatform } from '../oci/platform.ts';
import { parseReference, withDefaultTag } from '../oci/reference.ts';
import type { Platform } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { findImage } from './find-image.ts';
import { fullName } from './image-names.ts';

type SourceErrors = {
  SOURCE_WHICH: { path: string; wanted: string | undefined; labels: readonly string[] };
  SOURCE_STDIN: Record<string, never>;
  SOURCE_TRANSPORT: { transport: string; hint: string };
};
const sourceError = errorMaker<SourceErrors>({
  SOURCE_WHICH: ({ path, wanted, labels }) => ({
    message:
      wanted === undefined
        ? `${path} holds ${labels.length} images: ${labels.slice(0, 20).join(', ')}`
        : `${path} holds no image ${wanted}; it has ${labels.slice(0, 20).join(', ') || 'none'}`,
    hint: labels[0] === undefined ? undefined : `name one behind a #: ${path}#${labels[0]}`,
  }),
  SOURCE_STDIN: () => 'standard input is read once: only one of the images can be -',
  SOURCE_TRANSPORT: ({ transport, hint }) => ({
    message: `${transport} is no place to read from here`,
    hint,
  }),
});

export interface SourceOptions extends CallOptions {
  /** Of an index: which of its images; this machine's when absent, or the only one there is. */
  readonly platform?: Platform | undefined;
  /** Of registries: plain HTTP and certificates that cannot be checked are accepted. */
  readonly insecure?: boolean | undefined;
  /** What `-` reads. */
  readonly stdin?: (() => ByteStream) | undefined;
}

/** An image where it lies. */
export interface ImageSource {
  readonly image: Image;
  /** Reads its layers; notes are those of the local store. */
  readonly store: LocalStore;
  /** Of an archive: the names in it of what the image consists of. */
  readonly members?: readonly string[] | undefined;
  close(): Promise<void>;
}

/** What a text names: a transport and a place. */
export type SourceName =
  | { readonly kind: 'local' | 'registry' | 'engine'; readonly name: string }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'archive'; readonly path: string; readonly wanted: string | undefined }
  | { readonly kind: 'stdin' };

/**
 * How a person's word for an image is read. `docker://` is a registry, `docker-daemon:` a Docker engine, `oci:`, `oci-archive:`, `docker-archive:` and `dir:` files
 * as skopeo names them, `-` standard input. What begins with `.`, `/` or `~`, or ends as tars do and is there, is a file or folder, with the image's name behind a `#`.
 * @throws SOURCE_TRANSPORT
 */
export function parseSource(text: string): SourceName {
  if (text === '-') return { kind: 'stdin' };
  const [, transport = '', rest = ''] =
    /^(docker:\/\/|docker-daemon:|oci:|oci-archive:|docker-archive:|dir:|containers-storage:|atomic:|ostree:|sif:)(.+)$/s.exec(
      text,
    ) ?? [];
  switch (transport) {
    case 'docker://':
      return { kind: 'registry', name: rest };
    case 'docker-daemon:':
      return { kind: 'engine', name: rest };
    case 'dir:':
      return { kind: 'folder', path: rest };
    case 'oci:':
    case 'oci-archive:':
    case 'docker-archive:':
      return { kind: 'archive', ...splitPlace(rest) };
    case '':
      return parseBare(text);
    default:
      throw sourceError('SOURCE_TRANSPORT', {
        transport,
        hint: `copy it to an archive first: skopeo copy ${text} oci-archive:image.tar`,
      });
  }
}

function parseBare(text: string): SourceName {
  const [, path = text, wanted] = /^(.*?)(?:#([^#]*))?$/s.exec(text) ?? [];
  const isFile = /^[./~]/.test(path) || (/\.(tar|tgz|tar\.\w+)$/.test(path) && existsSync(path));
  return isFile ? { kind: 'archive', path, wanted } : { kind: 'local', name: text };
}

/** `PATH`, `PATH:NAME`, `PATH@DIGEST`, `PATH#NAME`; a path that is there with its colons is one. */
function splitPlace(place: string): { readonly path: string; readonly wanted: string | undefined } {
  const [, before = place, behind] = /^(.*?)#([^#]*)$/s.exec(place) ?? [];
  if (behind !== undefined) return { path: before, wanted: behind };
  if (existsSync(place)) return { path: place, wanted: undefined };
  const [, path = place, wanted] = /^([^:@]*)(?:[:@](.+))?$/s.exec(place) ?? [];
  return { path, wanted };
}

/** The image that the text names, to be read where it lies: nothing is stored but what is derived from it. @throws SOURCE_ and ARCHIVE_ errors, IMAGE_UNKNOWN, ENGINE_ errors, and those of registries */
export async function openImage(app: App, text: string, o: SourceOptions): Promise<ImageSource> {
  const source = parseSource(text);
  const host = app.settings.hostPlatform;
  const open = (platform: Platform): Promise<ImageSource> => openPlace(app, source, text, { ...o, platform });
  if (o.platform !== undefined) return open(o.platform);
  if (source.kind === 'local')
    return { image: await findImage(app, source.name, o), store: await app.store(), close: async () => {} };
  try {
    return await open(host);
  } catch (error) {
    const only = onlyPlatform(error);
    // Standard input cannot be read again.
    if (only === undefined || source.kind === 'stdin') throw error;
    return open(parsePlatform(only, host));
  }
}

/** The one platform that an index has, if it was not this machine's. */
function onlyPlatform(error: unknown): string | undefined {
  if (!isDobosError(error, 'OCI_PLATFORM_MISSING')) return undefined;
  const [only, ...more] = error.facts.available as readonly string[];
  return more.length === 0 && only !== 'unknown' ? only : undefined;
}

type PlaceOptions = SourceOptions & { readonly platform: Platform };

async function openPlace(app: App, source: SourceName, text: string, o: PlaceOptions): Promise<ImageSource> {
  const store = await app.store();
  const kept = { store, close: async () => {} };
  switch (source.kind) {
    case 'local':
      return { ...kept, image: await findImage(app, source.name, o) };
    case 'registry':
      return openRemote(app, source.name, o);
    case 'folder': {
      const { viewPlainFolder } = await import('../image/view-archive.ts');
      return { ...kept, ...(await viewPlainFolder(store, source.path, o)) };
    }
    case 'archive':
      return openArchived(store, source.path, text, source.wanted, o);
    case 'engine': {
      const { getFromEngine } = await import('../http/engine-socket.ts');
      const { environment, home } = app.settings;
      const settings = {
        host: environment.DOCKER_HOST,
        verify: Boolean(environment.DOCKER_TLS_VERIFY),
        certificates: environment.DOCKER_CERT_PATH || `${home}/.docker`,
      };
      const path = `/images/${source.name.split('/').map(encodeURIComponent).join('/')}/get`;
      const bytes = await getFromEngine(settings, path, { signal: o.signal });
      return openArchived(store, bytes, text, undefined, o);
    }
    case 'stdin':
      if (o.stdin === undefined) throw sourceError('SOURCE_STDIN', {});
      return openArchived(store, o.stdin(), text, undefined, o);
  }
}

async function openArchived(
  store: LocalStore,
  from: string | ByteStream,
  shown: string,
  wanted: string | undefined,
  o: PlaceOptions,
): Promise<ImageSource> {
  const { viewArchive } = await import('../image/view-archive.ts');
  const only = wanted === undefined ? undefined : isMeant(wanted);
  const { platform, signal } = o;
  const view = await viewArchive(store, from, { platform, signal, only });
  const [first, ...more] = view.images;
  if (first !== undefined && more.length === 0)
    return { image: first.image, members: first.members, store: view.store, close: () => view.close() };
  await view.close();
  const path = typeof from === 'string' ? from : shown;
  throw sourceError('SOURCE_WHICH', {
    path,
    wanted: first === undefined ? wanted : undefined,
    labels: view.labels,
  });
}

/** Whether a name, a tag, an id or a digest, or the beginning of one of these, means an image. */
function isMeant(wanted: string): (labels: ArchiveLabels) => boolean {
  let full: string | undefined;
  try {
    full = fullName(wanted);
  } catch {
    full = undefined;
  }
  const prefix = `sha256:${wanted.replace(/^sha256:/, '')}`;
  const isHex = /^(?:sha256:)?[a-f0-9]{6,64}$/.test(wanted);
  return ({ names, tags, id, digest }) =>
    (full !== undefined && names.includes(full)) ||
    tags.includes(wanted) ||
    (isHex && (id.startsWith(prefix) || digest.startsWith(prefix)));
}

/** The image of a registry: its documents now, its layers when they are read, from the store where it has them. */
async function openRemote(app: App, name: string, o: PlaceOptions): Promise<ImageSource> {
  const [{ openRepository, peekReference }, { openLayer }] = await Promise.all([
    import('./pull.ts'),
    import('../layer/open-layer.ts'),
  ]);
  const reference = withDefaultTag(parseReference(name));
  const { insecure, platform, signal } = o;
  const { image } = await peekReference(app, reference, { insecure, platform, signal });
  const [store, repository] = await Promise.all([app.store(), openRepository(app, reference, { insecure })]);
  const view: LocalStore = {
    ...store,
    has: async (blob, more) => (await store.has(blob, more)) || repository.has(blob, more),
    async *open(blob, more) {
      yield* ((await store.has(blob, more)) ? store : repository).open(blob, more);
    },
  };
  const layers = image.layers.map(({ blob, diffId }) => openLayer(view, blob, diffId));
  return { image: { ...image, layers }, store: view, close: async () => {} };
}
