/**
 * Whether an image can be pulled from here, decided in a few seconds: the demo goes another way if not.
 * @module
 */

/** Longest wait for an answer, in milliseconds. */
const LONGEST_MS = 5000;
/** Where a Debian image looks for packages. */
const PACKAGES = 'http://deb.debian.org/debian/dists/bookworm/InRelease';

/** Undefined if the image's registry answers, and Debian's packages too, which the demo installs in it; else one phrase that says what does not. */
export async function canPull(image: string): Promise<string | undefined> {
  const registry = image.slice(0, image.indexOf('/'));
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const scheme = /^(127\.|localhost(:|$))/.test(host) ? 'http' : 'https';
  const [atRegistry, atPackages] = await Promise.all([answers(`${scheme}://${host}/v2/`), answers(PACKAGES)]);
  if (!atRegistry) return `no answer from ${registry}`;
  return atPackages ? undefined : 'no answer from deb.debian.org';
}

/** Any answer of the server counts: a registry asks who is there first. */
async function answers(url: string): Promise<boolean> {
  try {
    const { status } = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(LONGEST_MS) });
    return status < 500;
  } catch {
    return false;
  }
}
