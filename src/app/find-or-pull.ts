import { type DobosError, errorMaker, isDobosError } from '../base/errors.ts';
import type { FoundImage } from '../image/find-image.ts';
import { storedName } from '../image/pull-image.ts';
import { isDigest } from '../oci/digest.ts';
import { formatPlatform } from '../oci/platform.ts';
import { parseReference, type Reference, withDefaultTag } from '../oci/reference.ts';
import type { Platform } from '../oci/types.ts';
import type { App } from './app.ts';
import { findNamedImage } from './find-image.ts';
import { fullName, withoutTransport } from './image-names.ts';
import type { LazyBases } from './lazy-bases.ts';
import type { PullOptions } from './pull.ts';

type NotHereErrors = {
  IMAGE_NOT_HERE: { name: string; platform: string; why: string; advice?: string | undefined };
};
const BRING =
  'bring it with dobos load or dobos import, or, for FROM, name a layout or archive: oci:/path:tag, docker-archive:/path.tar';
const notHereError = errorMaker<NotHereErrors>({
  IMAGE_NOT_HERE: ({ name, platform, why, advice }) => ({
    message: `there is no image "${name}"${platform} in the store, and ${why}`,
    hint: advice ?? BRING,
  }),
});

/** When a registry is asked for an image: `newer` takes what is here if it cannot be asked. */
export const PULL_POLICIES = ['always', 'missing', 'newer', 'never'] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

export interface FindOrPullOptions extends PullOptions {
  /** `missing` when absent. */
  readonly policy?: PullPolicy | undefined;
  /** Takes an image that is not here as its documents describe it, and brings its layers when they are asked for. */
  readonly lazy?: LazyBases | undefined;
}

/**
 * The image that a text means, pulled if the policy says so. Ids and `NAME~N` are looked for here only. Without a platform this machine's is wanted.
 * @throws IMAGE_NOT_HERE if it is neither here nor to be had, and as `lookUpImage` and `pull`
 */
export async function findOrPull(app: App, text: string, o: FindOrPullOptions): Promise<FoundImage> {
  const name = withoutTransport(text);
  const wanted = o.platform ?? app.settings.hostPlatform;
  const local = await findHere(app, name, wanted);
  const reference = pullable(name);
  const { policy = 'missing' } = o;
  if (local.found !== undefined) {
    if (policy === 'never' || reference === undefined || isById(name, local.found)) return local.found;
    if (policy === 'missing' && serves(local.found, wanted, app.settings.hostPlatform)) return local.found;
  } else if (reference === undefined) throw local.error;
  else if (policy === 'never') throw notHere(name, local, 'it is not to be pulled (--pull never)');

  try {
    const { peekReference, pullReference } = await import('./pull.ts');
    const how = { ...o, platform: wanted };
    const missing = local.found === undefined;
    const peeked = o.lazy === undefined ? undefined : await peekReference(app, reference, how);
    // What is here already is told as an image that is up to date, and costs no more.
    if (o.lazy !== undefined && peeked !== undefined && local.found?.target.digest !== peeked.target.digest) {
      const { image, target } = peeked;
      o.lazy.add(image, () => pullReference(app, reference, { ...how, missing, target }));
      return { image, target, name: storedName(reference) };
    }
    await pullReference(app, reference, { ...how, missing, target: peeked?.target });
  } catch (error) {
    o.signal?.throwIfAborted();
    if (!isDobosError(error)) throw error;
    if (local.found === undefined)
      throw FROM_OUTSIDE.test(error.code) ? notHere(name, local, error.message, error) : error;
    if (policy === 'always') throw error;
    o.onEvent?.({ kind: 'kept', name, why: error.message });
    return local.found;
  }
  return findNamedImage(app, name, { platform: wanted, signal: o.signal });
}

/** Codes of what goes wrong on the way to a registry and at it, other than what is wrong with the image. */
const FROM_OUTSIDE = /^(?:HTTP|REGISTRY|CREDENTIALS)_/;

type Here = { readonly wanted: Platform } & (
  | { readonly found: FoundImage; readonly error?: undefined }
  | { readonly found?: undefined; readonly error: DobosError }
);

/** What is in the store, or why it is not. */
async function findHere(app: App, name: string, wanted: Platform): Promise<Here> {
  try {
    return { wanted, found: await findNamedImage(app, name, { platform: wanted }) };
  } catch (error) {
    if (isDobosError(error) && ABSENT.has(error.code)) return { wanted, error };
    throw error;
  }
}

const ABSENT: ReadonlySet<string> = new Set([
  'IMAGE_UNKNOWN',
  'IMAGE_PLATFORM_ABSENT',
  'OCI_PLATFORM_MISSING',
]);

/** The reference that a registry can be asked for; undefined for ids and `NAME~N`. */
function pullable(name: string): Reference | undefined {
  if (/~\d+$/.test(name) || isDigest(name)) return undefined;
  try {
    return withDefaultTag(parseReference(name));
  } catch {
    return undefined;
  }
}

/** True if hex digits were found as an id: they could be a name too. */
const isById = (text: string, { name }: FoundImage): boolean =>
  /^(?:sha256:)?[a-f0-9]{1,64}$/.test(text) && name !== fullName(text);

/** Whether an image without an index may be taken as it is: for another platform than this machine's it must say that it is for that one. */
function serves({ image, target }: FoundImage, wanted: Platform, host: Platform): boolean {
  const { os, architecture } = wanted;
  if (target.digest !== image.descriptor.digest) return true;
  if (os === host.os && architecture === host.architecture) return true;
  return image.config.os === os && image.config.architecture === architecture;
}

/** Both facts in one: not here, and why it does not come. */
function notHere(name: string, here: Here & { error: DobosError }, why: string, cause = here.error): Error {
  const unknown = here.error.code === 'IMAGE_UNKNOWN';
  const near = unknown ? here.error.hint : undefined;
  const advice = cause === here.error || cause.code === 'HTTP_UNREACHABLE' ? undefined : cause.hint;
  const platform = unknown ? '' : ` for ${formatPlatform(here.wanted)}`;
  return notHereError('IMAGE_NOT_HERE', { name, platform, why, advice: near ?? advice }, { cause });
}
