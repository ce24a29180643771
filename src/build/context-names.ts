import { formatPlatform } from '../oci/platform.ts';
import { familiarName, parseReference } from '../oci/reference.ts';
import type { Platform } from '../oci/types.ts';

/** What `--build-context` puts in the place of a stage or an image. */
export type NamedContext =
  /** A folder, opened under `key` by whoever runs the build. */
  | { readonly kind: 'folder'; readonly key: string }
  /** An image, by a name for `resolveBase`. */
  | { readonly kind: 'image'; readonly name: string };

/** Named contexts by `contextKey`. */
export type NamedContexts = ReadonlyMap<string, NamedContext>;

/** The one spelling of a context's name: `Alpine`, `alpine:latest` and `docker.io/library/alpine` are one; a platform may follow (`alpine::linux/arm64`). */
export function contextKey(name: string): string {
  const [, bare = name, platform = ''] = /^(.*?)(::.*)?$/s.exec(name) ?? [];
  const lower = bare.toLowerCase();
  let spelled = lower;
  try {
    spelled = familiarName(parseReference(lower));
  } catch {
    // A name that no image can have may still be a stage's.
  }
  return `${spelled.replace(/:latest$/, '')}${platform.toLowerCase()}`;
}

/** The context of that name: one for the platform before one for all. */
export function findNamedContext(
  contexts: NamedContexts | undefined,
  name: string,
  platform: Platform,
): NamedContext | undefined {
  if (contexts === undefined || contexts.size === 0) return undefined;
  const key = contextKey(name);
  return contexts.get(`${key}::${formatPlatform(platform)}`) ?? contexts.get(key);
}
