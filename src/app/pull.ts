import { errorMaker } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import {
  type PeekedImage,
  type PullEvent,
  type Pulled,
  peekImage,
  pullImage,
  storedName,
} from '../image/pull-image.ts';
import { formatPlatform } from '../oci/platform.ts';
import { parseReference, type Reference, withDefaultTag } from '../oci/reference.ts';
import type { Descriptor, Platform } from '../oci/types.ts';
import type { App } from './app.ts';
import { withoutTransport } from './image-names.ts';
import type { RegistryNotice } from './open-registry.ts';

type PullErrors = {
  PULL_ALL_TAGS: { name: string };
};
const pullError = errorMaker<PullErrors>({
  PULL_ALL_TAGS: ({ name }) => ({
    message: `"${name}" names one image, and --all-tags asks for all of its repository`,
    hint: 'leave out the tag or digest, or --all-tags',
  }),
});

/** What a pull tells: its own events, and what the registry's client has to say. */
export type PullNotice =
  /** Nothing is asked yet. `missing`: an image was wanted that is not here. */
  | { readonly kind: 'begun'; readonly name: string; readonly missing: boolean }
  | PullEvent
  | RegistryNotice
  /** The registry could not say whether there is a newer image; the one that is here is used. */
  | { readonly kind: 'kept'; readonly name: string; readonly why: string };

export interface PullOptions extends CallOptions {
  /** Which of an index's images; this machine's when absent. */
  readonly platform?: Platform | undefined;
  /** Plain HTTP and certificates that cannot be checked are accepted. */
  readonly insecure?: boolean | undefined;
  /** The same function for all pulls of a command hears each notice of the registry once. */
  readonly onEvent?: ((notice: PullNotice) => void) | undefined;
}

/** Pulls the image that the text names: `debian`, `host:5000/app:1`, `name@sha256:…`, also behind `docker://`. @throws as `pullImage`, OCI_REFERENCE_INVALID, HTTP_…, REGISTRY_… */
export async function pull(app: App, text: string, o: PullOptions): Promise<Pulled> {
  const reference = withDefaultTag(parseReference(withoutTransport(text)));
  return pullReference(app, reference, { ...o, missing: false });
}

/** Pulls every tag of a repository, one after the other. @throws PULL_ALL_TAGS, and as `pull` */
export async function pullAllTags(app: App, text: string, o: PullOptions): Promise<readonly Pulled[]> {
  const { tag, digest, ...bare } = parseReference(withoutTransport(text));
  if (tag !== undefined || digest !== undefined) throw pullError('PULL_ALL_TAGS', { name: text });
  const repository = await openRepository(app, bare, o);
  const pulled: Pulled[] = [];
  for await (const each of repository.tags({ signal: o.signal }))
    pulled.push(await pullReference(app, { ...bare, tag: each }, { ...o, missing: false }));
  return pulled;
}

type ReferenceOptions = PullOptions & {
  readonly missing: boolean;
  /** What the name points at, if that is known: it is not asked again. */
  readonly target?: Descriptor | undefined;
};

/** The image that the reference means as its documents describe it; no layer is fetched. @throws as `pull` */
export async function peekReference(
  app: App,
  reference: Reference,
  { insecure, ...o }: PullOptions,
): Promise<PeekedImage> {
  const [store, repository] = await Promise.all([
    app.store(),
    openRepository(app, reference, { insecure, onEvent: o.onEvent }),
  ]);
  return peekImage(store, repository, reference, { ...o, onEvent: undefined });
}

/** Pulls by a reference already read. Pulls of one command follow each other, so that none fetches what another is fetching; what is asked for twice at once is pulled once. */
export function pullReference(app: App, reference: Reference, o: ReferenceOptions): Promise<Pulled> {
  const running = runningPulls.get(app) ?? new Map<string, Promise<Pulled>>();
  runningPulls.set(app, running);
  const platform = formatPlatform(o.platform ?? app.settings.hostPlatform);
  const key = `${storedName(reference)} ${platform} ${o.target?.digest ?? ''}`;
  const known = running.get(key);
  if (known !== undefined) return known;
  const before = [...running.values()].at(-1);
  const own = Promise.resolve(before)
    .catch(() => undefined)
    .then(() => pullNow(app, reference, o))
    .finally(() => running.delete(key));
  running.set(key, own);
  return own;
}

const runningPulls = new WeakMap<App, Map<string, Promise<Pulled>>>();

async function pullNow(
  app: App,
  reference: Reference,
  { missing, insecure, target, ...o }: ReferenceOptions,
): Promise<Pulled> {
  o.signal?.throwIfAborted();
  o.onEvent?.({ kind: 'begun', name: storedName(reference), missing });
  const [store, repository] = await Promise.all([
    app.store(),
    openRepository(app, reference, { insecure, onEvent: o.onEvent }),
  ]);
  const platform = o.platform ?? app.settings.hostPlatform;
  const from = target === undefined ? repository : { ...repository, resolve: async () => target };
  return pullImage(store, from, reference, { ...o, platform });
}

/** The repository of a reference, to read from. */
export async function openRepository(app: App, { registry, repository }: Reference, o: PullOptions) {
  const { insecure, onEvent } = o;
  return (await app.registry({ insecure, onEvent })).repository(registry, repository);
}
