import { type ByteStream, sha256 } from '../../base/bytes.ts';
import type { CallOptions } from '../../base/options.ts';
import { redactUrl } from '../../http/redact.ts';
import type { Http, HttpResponse } from '../../http/types.ts';
import { digestHex, isDigest } from '../../oci/digest.ts';
import type { Descriptor } from '../../oci/types.ts';
import type { LocalStore } from '../../store/contract.ts';
import { buildError } from '../errors.ts';
import { checkSum } from './checksum.ts';
import { type RemoteSecrets, urlAuthorization } from './remote-auth.ts';
import type { UrlSource } from './remote-source.ts';

/** Kind of the roots that keep what was downloaded; the id is the hex digest of the URL. */
export const DOWNLOAD = 'download';
/** Bytes of one download: the largest image of an operating system has a tenth of it, and a disk should not fill unseen. */
export const MAX_DOWNLOAD_BYTES = 64 * 1024 ** 3;
/** A use is noted when the last one noted is older. */
const TOUCH_AFTER_MS = 60 * 60 * 1000;
const MEDIA_TYPE = 'application/octet-stream';

export interface FetchTools {
  readonly store: LocalStore;
  readonly http: () => Promise<Http>;
  /** False: the file is fetched again, whatever is known of it. */
  readonly useCache: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Holds a lease while something is written. */
  readonly writing: <T>(work: () => Promise<T>) => Promise<T>;
  /** Those that prove who asks. */
  readonly secrets?: RemoteSecrets | undefined;
  readonly maxBytes?: number | undefined;
}

export interface FetchedFile {
  readonly blob: Descriptor;
  /** Epoch seconds: when the server says that it was changed, else 0. */
  readonly mtime: number;
}

/** What is kept of a download, beside its bytes. */
interface Kept extends FetchedFile {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/**
 * The file behind the URL, in the store. What was fetched before is kept: the server is asked whether it is still the same, and not even that
 * when `--checksum` says what it must be.
 * @throws BUILD_DOWNLOAD, BUILD_DOWNLOAD_SIZE, BUILD_AUTH_SECRET, BUILD_CHECKSUM, HTTP_…, and errors of the store
 */
export async function fetchUrl(
  { url, checksum }: UrlSource,
  tools: FetchTools,
  o: CallOptions = {},
): Promise<FetchedFile> {
  const { store } = tools;
  const id = digestHex(sha256(url));
  const root = await store.roots.get(DOWNLOAD, id, o);
  const kept = root === undefined ? undefined : parseKept(root.targets[0], root.data);
  const usable = kept !== undefined && (await store.has(kept.blob, o)) ? kept : undefined;
  const used = async (file: FetchedFile): Promise<FetchedFile> => {
    if (tools.now() - (root?.usedAt ?? 0) > TOUCH_AFTER_MS) await store.roots.touch(DOWNLOAD, id);
    return file;
  };
  if (usable !== undefined && usable.blob.digest === checksum) return used(usable);
  const http = await tools.http();
  const headers = usable === undefined || !tools.useCache ? {} : validators(usable);
  const authorization = urlAuthorization(url, tools.secrets);
  const secretHeaders = authorization === undefined ? undefined : { authorization };
  const response = await http.request({ method: 'GET', url, headers, secretHeaders }, o);
  if (response.status === 304 && usable !== undefined) {
    await response.discard();
    if (checksum === undefined) return used(usable);
    for await (const _ of checkSum(store.open(usable.blob, o), checksum, redactUrl(url)));
    return used(usable);
  }
  if (response.status !== 200) {
    await response.discard();
    throw buildError('BUILD_DOWNLOAD', { url: redactUrl(url), status: response.status });
  }
  return tools.writing(() => keep(response, id, { url, checksum }, tools, o));
}

async function keep(
  response: HttpResponse,
  id: string,
  { url, checksum }: Pick<UrlSource, 'url' | 'checksum'>,
  { store, maxBytes }: FetchTools,
  o: CallOptions,
): Promise<FetchedFile> {
  const shown = redactUrl(url);
  const bounded = limitTo(response.body, maxBytes ?? MAX_DOWNLOAD_BYTES, shown);
  const checked = checksum === undefined ? bounded : checkSum(bounded, checksum, shown);
  const { digest, size } = await store.ingest(checked, MEDIA_TYPE, o);
  const blob: Descriptor = { mediaType: MEDIA_TYPE, digest, size };
  const lastModified = response.header('last-modified');
  const mtime = timeOf(lastModified);
  const data = { mtime, etag: response.header('etag'), lastModified };
  await store.roots.put({ kind: DOWNLOAD, id, targets: [blob], data });
  return { blob, mtime };
}

async function* limitTo(bytes: ByteStream, limit: number, url: string): ByteStream {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > limit) throw buildError('BUILD_DOWNLOAD_SIZE', { url, limit });
    yield chunk;
  }
}

function validators({ etag, lastModified }: Kept): Readonly<Record<string, string>> {
  if (etag !== undefined) return { 'if-none-match': etag };
  return lastModified === undefined ? {} : { 'if-modified-since': lastModified };
}

/** Whole seconds of an HTTP date; 0 for none, for one that is no date, and for one before 1970. */
function timeOf(text: string | undefined): number {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return time > 0 ? Math.floor(time / 1000) : 0;
}

/** Roots are files that anybody may have written: what is not as expected is none. */
function parseKept(blob: Descriptor | undefined, data: unknown): Kept | undefined {
  const { mtime, etag, lastModified } = (data ?? {}) as Record<string, unknown>;
  const isText = (value: unknown): value is string | undefined =>
    value === undefined || typeof value === 'string';
  if (blob === undefined || !isDigest(blob.digest) || typeof mtime !== 'number') return undefined;
  return isText(etag) && isText(lastModified) ? { blob, mtime, etag, lastModified } : undefined;
}
