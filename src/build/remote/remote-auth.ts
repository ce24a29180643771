/**
 * Secrets that prove to a server who asks: `HTTP_AUTH_…_HOST` for URLs, `GIT_AUTH_…` for repositories (Dockerfile reference, ADD). Each is shown to one
 * origin, and only over TLS or to this machine.
 * @module
 */
import { isLoopbackHost } from '../../http/target.ts';
import { buildError } from '../errors.ts';

/** Values by id, as `--secret` gives them. */
export type RemoteSecrets = ReadonlyMap<string, Uint8Array>;

/** The authorization header for a URL: that of its host, with the port if one is written. Undefined without a secret for it. @throws BUILD_AUTH_SECRET */
export function urlAuthorization(url: string, secrets: RemoteSecrets | undefined): string | undefined {
  const place = privatePlace(url);
  if (place === undefined || secrets === undefined) return undefined;
  const { host } = place;
  const header = textOf(`HTTP_AUTH_HEADER_${host}`, secrets);
  if (header !== undefined) return header;
  const token = textOf(`HTTP_AUTH_TOKEN_${host}`, secrets);
  return token === undefined ? undefined : `Bearer ${token}`;
}

/** One setting of git. */
export type GitSetting = readonly [name: string, value: string];

/**
 * Settings by which git proves who asks for the repository. A secret of the host (`GIT_AUTH_TOKEN.HOST`) counts for all repositories of that origin, one without a
 * host for this repository, and for others where it is on github.com. git then follows no redirect: it would take the header along.
 * @throws BUILD_AUTH_SECRET
 */
export function gitAuthorization(remote: string, secrets: RemoteSecrets | undefined): readonly GitSetting[] {
  const place = privatePlace(remote);
  // Who has written a user into the URL means that one.
  if (place === undefined || secrets === undefined || place.username !== '') return [];
  const { host, origin } = place;
  const own = gitHeader(`.${host}`, secrets);
  const header = own ?? gitHeader('', secrets);
  if (header === undefined) return [];
  const whole = own !== undefined || /^(?:www\.)?github\.com$/.test(host);
  const scope = whole ? `${origin}/` : `${origin}${place.pathname}`;
  return [
    [`http.${scope}.extraHeader`, `Authorization: ${header}`],
    ['http.followRedirects', 'false'],
  ];
}

function gitHeader(suffix: string, secrets: RemoteSecrets): string | undefined {
  const header = textOf(`GIT_AUTH_HEADER${suffix}`, secrets);
  if (header !== undefined) return header;
  const token = textOf(`GIT_AUTH_TOKEN${suffix}`, secrets);
  return token === undefined
    ? undefined
    : `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
}

/** The URL, if what is sent there is seen by its server only. */
function privatePlace(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPrivate = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
  return isPrivate ? url : undefined;
}

function textOf(id: string, secrets: RemoteSecrets): string | undefined {
  const bytes = secrets.get(id);
  if (bytes === undefined) return undefined;
  // Files end with a line end, values do not.
  const text = Buffer.from(bytes).toString('utf8').trim();
  if (text === '' || /[^\x20-\x7e]/.test(text)) throw buildError('BUILD_AUTH_SECRET', { id });
  return text;
}
