import type { CallOptions } from '../base/options.ts';
import type { HttpResponse, SentBody } from '../http/types.ts';
import type { Descriptor } from '../oci/types.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import { uploadLocation } from './location.ts';
import type { Place, PlaceRequest } from './place.ts';
import { checkStored } from './put-manifest.ts';

/** An upload that the registry has begun: its requests, one each. */
export interface UploadSession {
  /** Where it goes on: the address of the latest answer. */
  readonly location: string;
  /** Bytes that the registry has of it. */
  readonly offset: number;
}

/** Begins an upload (end-4a). Begun twice, one is forgotten by the registry. @throws REGISTRY_REFUSED, REGISTRY_DENIED, REGISTRY_LOCATION */
export async function beginUpload(place: Place, name: string, o: CallOptions): Promise<UploadSession> {
  const response = await place.ask('blobs/uploads/', { method: 'POST', retry: true }, o);
  return sessionOf(place, response, name);
}

/** Asks for the blob from another repository (end-11): `mounted`, or an upload where the registry did not; undefined where it refused, as to who may not read there. */
export async function mountBlob(
  place: Place,
  { digest }: Descriptor,
  from: string,
  name: string,
  o: CallOptions,
): Promise<'mounted' | UploadSession | undefined> {
  const query = new URLSearchParams({ mount: digest, from });
  const response = await place.ask(`blobs/uploads/?${query}`, { method: 'POST', retry: true }, o);
  if (response.status >= 400 && response.status < 500 && response.status !== 429) {
    await response.discard();
    return undefined;
  }
  if (response.status !== 201) return sessionOf(place, response, name);
  await response.discard();
  checkStored(response, digest, place.host);
  return 'mounted';
}

/** Sends bytes from the session's offset on and leaves the upload open (end-5). @throws REGISTRY_REFUSED, REGISTRY_DENIED, REGISTRY_LOCATION, REGISTRY_RANGE */
export async function sendPart(
  place: Place,
  { location, offset }: UploadSession,
  { digest }: Descriptor,
  body: SentBody,
  name: string,
  o: CallOptions,
): Promise<UploadSession> {
  const end = offset + body.size;
  const response = await place.askAt(location, { ...withRange(offset, body), method: 'PATCH' }, o);
  const { location: next } = await sessionOf(place, response, name);
  const has = receivedOf(response) ?? end;
  // What lies between is not known to have come; what lies beyond was never sent.
  if (has < offset || has > end) {
    const got = foreignText(response.header('range') ?? '', 60);
    throw registryError('REGISTRY_RANGE', { digest, host: place.host, want: `bytes to ${end}`, got });
  }
  return { location: next, offset: has };
}

/** Ends an upload, with the bytes that are left if any (end-6). @throws REGISTRY_REFUSED, REGISTRY_DENIED, REGISTRY_STORED */
export async function endUpload(
  place: Place,
  { location, offset }: UploadSession,
  { digest }: Descriptor,
  body: SentBody | undefined,
  name: string,
  o: CallOptions,
): Promise<void> {
  const url = new URL(location);
  // Not by `searchParams`, which would spell anew what the registry has put there.
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  const request = {
    ...(body !== undefined && withRange(offset, body)),
    method: 'PUT',
    slowAnswer: true,
  } as const;
  const response = await place.askAt(url.href, request, o);
  if (response.status !== 201 && response.status !== 204) throw await place.refusedWrite(response, name);
  await response.discard();
  checkStored(response, digest, place.host);
}

/** How far the upload is (end-13); undefined if the registry knows nothing of it. @throws REGISTRY_DENIED, REGISTRY_STATUS, REGISTRY_LOCATION */
export async function askUpload(
  place: Place,
  { location }: UploadSession,
  name: string,
  o: CallOptions,
): Promise<UploadSession | undefined> {
  const response = await place.askAt(location, { method: 'GET' }, o);
  const { status } = response;
  const received = receivedOf(response);
  if (status !== 204 && status !== 200) {
    if (status >= 400 && status < 500 && ![401, 403, 429].includes(status)) {
      await response.discard();
      return undefined;
    }
    throw await place.refusedWrite(response, name);
  }
  await response.discard();
  if (received === undefined) return undefined;
  return {
    location: response.header('location') === undefined ? location : uploadLocation(response, place.host),
    offset: received,
  };
}

async function sessionOf(place: Place, response: HttpResponse, name: string): Promise<UploadSession> {
  if (response.status !== 202) throw await place.refusedWrite(response, name);
  await response.discard();
  return { location: uploadLocation(response, place.host), offset: 0 };
}

/** All of a blob has no range: some registries take it for a piece of one. */
function withRange(offset: number, body: SentBody): Pick<PlaceRequest, 'headers' | 'body'> {
  const range = offset === 0 ? {} : { 'content-range': `${offset}-${offset + body.size - 1}` };
  return { body, headers: { 'content-type': 'application/octet-stream', ...range } };
}

/** `Range: 0-<last byte>`; nothing and one byte are both `0-0`, and nothing is what is meant. */
function receivedOf(response: HttpResponse): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(response.header('range')?.trim() ?? '')?.[1];
  return last === undefined ? undefined : last === '0' ? 0 : Number(last) + 1;
}
