import { errorMaker, isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { type PushEvent, type Pushed, type PushImageOptions, pushImage } from '../image/push-image.ts';
import { formatReference, parseReference, type Reference, withDefaultTag } from '../oci/reference.ts';
import type { Descriptor, Digest, Platform } from '../oci/types.ts';
import type { WritableRepository } from '../registry/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { withoutTransport } from './image-names.ts';
import { createMountSources } from './mount-sources.ts';
import type { RegistryNotice } from './open-registry.ts';

type PushErrors = {
  PUSH_ALL_TAGS: { name: string };
  PUSH_DIGEST: { name: string };
  PUSH_UNKNOWN: { name: string; nearest: readonly string[] };
};
const pushError = errorMaker<PushErrors>({
  PUSH_ALL_TAGS: ({ name }) => ({
    message: `"${name}" names one image, and --all-tags pushes all of its repository`,
    hint: 'leave out the tag, or --all-tags',
  }),
  PUSH_DIGEST: ({ name }) => ({
    message: `"${name}" names a digest, and only a tag can be pushed`,
    hint: 'give it a name first: dobos tag IMAGE NAME:TAG',
  }),
  PUSH_UNKNOWN: ({ name, nearest }) => ({
    message: `there is no image "${name}" in the store`,
    hint:
      nearest.length === 0
        ? 'name the image as it is to be called there: dobos tag IMAGE HOST/NAME:TAG'
        : `did you mean ${nearest.join(' or ')}?`,
  }),
});

/** What a push tells: its own events, and what the registry's client has to say. */
export type PushNotice =
  /** Nothing is asked yet; `repository` is written out. */
  { readonly kind: 'begun'; readonly repository: string } | PushEvent | RegistryNotice;

export interface PushOptions extends CallOptions {
  /** Which of an index's images; all of it when absent. */
  readonly platform?: Platform | undefined;
  /** Plain HTTP and certificates that cannot be checked are accepted. */
  readonly insecure?: boolean | undefined;
  readonly onEvent?: ((notice: PushNotice) => void) | undefined;
}

/** Pushes what a name of the store points at to the registry that the name says. @throws PUSH_UNKNOWN, PUSH_DIGEST, as `pushImage`, OCI_REFERENCE_INVALID, HTTP_…, REGISTRY_… */
export async function push(app: App, text: string, o: PushOptions): Promise<Pushed> {
  const reference = withDefaultTag(parseReference(withoutTransport(text)));
  if (reference.digest !== undefined) throw pushError('PUSH_DIGEST', { name: text });
  const name = formatReference(reference);
  const target = await resolveNamed(await app.store(), name);
  begin(reference, o);
  return pushTarget(app, reference, target, o);
}

/** Pushes every tag of a repository that the store has, in their order. @throws PUSH_ALL_TAGS, and as `push` */
export async function pushAllTags(app: App, text: string, o: PushOptions): Promise<readonly Pushed[]> {
  const bare = parseReference(withoutTransport(text));
  if (bare.tag !== undefined || bare.digest !== undefined) throw pushError('PUSH_ALL_TAGS', { name: text });
  const start = `${formatReference(bare)}:`;
  const found: (readonly [tag: string, target: Descriptor])[] = [];
  for await (const [name, target] of (await app.store()).list(o))
    if (name.startsWith(start)) found.push([name.slice(start.length), target]);
  if (found.length === 0) throw pushError('PUSH_UNKNOWN', { name: text, nearest: [] });
  begin(bare, o);
  const opened = await openTarget(app, bare, o);
  const pushed: Pushed[] = [];
  for (const [tag, target] of found) pushed.push(await pushTo(app, opened, { ...bare, tag }, target, o));
  return pushed;
}

export interface PushTargetOptions
  extends PushOptions,
    Pick<PushImageOptions, 'compression' | 'level' | 'force'> {
  /** Hears what the registry's client has to say, instead of `onEvent`: who pulls too hears each notice once. */
  readonly onNotice?: ((notice: RegistryNotice) => void) | undefined;
}

/** Pushes an image or index under a reference, which need not be a name of the store; without a tag, by its digest only. @throws as `pushImage` */
export async function pushTarget(
  app: App,
  reference: Reference,
  target: Descriptor,
  o: PushTargetOptions,
): Promise<Pushed> {
  return pushTo(app, await openTarget(app, reference, o), reference, target, o);
}

/** A repository that remembers what it has, and what it mounted from where. */
interface OpenTarget {
  readonly to: WritableRepository;
  readonly mounted: ReadonlyMap<Digest, string>;
}

async function openTarget(
  app: App,
  { registry, repository }: Reference,
  { insecure, onEvent, onNotice = onEvent, signal }: PushTargetOptions,
): Promise<OpenTarget> {
  const [store, opened] = await Promise.all([app.store(), app.registry({ insecure, onEvent: onNotice })]);
  const mounted = new Map<Digest, string>();
  const to = opened.writable(registry, repository, {
    sources: createMountSources(store, registry, { signal }),
    onMounted: (digest, from) => mounted.set(digest, from),
  });
  return { to, mounted };
}

async function pushTo(
  app: App,
  { to, mounted }: OpenTarget,
  { registry, repository, tag }: Reference,
  target: Descriptor,
  { platform, compression, level, force, onEvent, signal }: PushTargetOptions,
): Promise<Pushed> {
  const name = formatReference({ registry, repository, tag });
  const how = { platform, compression, level, force, onEvent, signal };
  const mountedFrom = (digest: Digest): string | undefined => mounted.get(digest);
  return pushImage(await app.store(), target, to, { name, tag }, { ...how, mountedFrom });
}

function begin({ registry, repository }: Reference, o: PushOptions): void {
  o.onEvent?.({ kind: 'begun', repository: formatReference({ registry, repository }) });
}

async function resolveNamed(store: LocalStore, name: string): Promise<Descriptor> {
  try {
    return await store.resolve(name);
  } catch (error) {
    if (!isDobosError(error, 'STORE_NAME_UNKNOWN')) throw error;
    const { nearest } = error.facts as { nearest: readonly string[] };
    throw pushError('PUSH_UNKNOWN', { name, nearest }, { cause: error });
  }
}
