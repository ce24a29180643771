import { errorMaker } from '../base/errors.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';

type RegistryErrors = {
  REGISTRY_NOT_FOUND: {
    name: string;
    host: string;
    says?: string | undefined;
    nearest?: readonly string[] | undefined;
  };
  REGISTRY_DENIED: {
    name: string;
    registry: string;
    /** Whether credentials were shown. */
    anonymous: boolean;
    says?: string | undefined;
    /** Where the credentials are from, or why they could not be asked. */
    credentials?: string | undefined;
    /** A token server in another domain, which was not shown the credentials. */
    foreignRealm?: string | undefined;
    /** Whether it was to be written. */
    writes?: boolean | undefined;
  };
  REGISTRY_LOGIN: {
    registry: string;
    /** Who refuses: the registry's host or its token server. */
    host: string;
    credentials?: string | undefined;
    says?: string | undefined;
  };
  REGISTRY_RATE_LIMIT: { name: string; host: string; hub: boolean; says?: string | undefined };
  REGISTRY_STATUS: {
    name: string;
    host: string;
    status: number;
    says?: string | undefined;
    codes: readonly string[];
  };
  REGISTRY_CHALLENGE: { host: string; schemes: readonly string[] };
  REGISTRY_REALM: { host: string; realm: string; why: string };
  REGISTRY_TOKEN: { host: string; realm: string; status: number; why: string; says?: string | undefined };
  REGISTRY_TOO_LARGE: { name: string; limit: number };
  REGISTRY_MEDIA_TYPE: { name: string; header: string; body: string };
  REGISTRY_DIGEST: { name: string; header: string; got: string };
  REGISTRY_SIZE: { digest: string; host: string; want: number; got: number };
  REGISTRY_RANGE: { digest: string; host: string; want: string; got: string };
  REGISTRY_CUT: { digest: string; host: string; done: number; size: number; tries: number };
  REGISTRY_REFUSED: {
    name: string;
    host: string;
    status: number;
    codes: readonly string[];
    says?: string | undefined;
    quota: boolean;
  };
  REGISTRY_UPLOAD_CUT: { digest: string; host: string; done: number; size: number; tries: number };
  REGISTRY_LOCATION: { host: string; location: string; why: string };
  REGISTRY_STORED: { name: string; host: string; got: string };
  REGISTRY_LINK: { host: string; link: string; why: string };
  REGISTRY_TAGS: { name: string; why: string };
  REGISTRY_TAG: { tag: string };
  REGISTRY_ENDPOINTS: { name: string; wanted: string };
};

/** Errors of the protocol. What a registry said is quoted: bounded, without control characters. */
export const registryError = errorMaker<RegistryErrors>({
  REGISTRY_NOT_FOUND: ({ name, says, nearest = [] }) => ({
    message: `${name} is not in the registry${quoted(says)}`,
    hint: nearest.length === 0 ? undefined : `tags near it: ${nearest.join(', ')}`,
  }),
  REGISTRY_DENIED: ({ name, registry, anonymous, says, credentials, foreignRealm, writes }) => {
    const problem = writes ? 'may not be written' : 'does not exist or may not be read';
    const needs = writes ? 'needs a login to be written' : 'does not exist or needs a login';
    const what = anonymous
      ? `${name} ${needs}${credentials === undefined ? '' : `, and ${credentials}`}`
      : `${name} ${problem} by this user${credentials === undefined ? '' : ` (${credentials})`}`;
    const realm =
      foreignRealm === undefined
        ? ''
        : `; the credentials were not sent to its token server ${foreignRealm}, which is in another domain`;
    return {
      message: `${what}${realm}${quoted(says)}`,
      hint:
        foreignRealm === undefined
          ? writes
            ? `"dobos login ${registry}" as a user who may${registry === DEFAULT_REGISTRY ? '; on Docker Hub the name begins with the user: docker.io/USER/NAME' : ''}`
            : `"dobos login ${registry}" if it is private`
          : `name ${foreignRealm} in DOBOS_TRUSTED_HOSTS if it belongs to ${registry}`,
    };
  },
  REGISTRY_LOGIN: ({ registry, host, credentials, says }) => ({
    message: `${host} refuses the credentials for ${registry}${credentials === undefined ? '' : ` from ${credentials}`}${quoted(says)}`,
    hint: `"dobos login ${registry}" with the right password or token`,
  }),
  REGISTRY_RATE_LIMIT: ({ name, host, hub, says }) => ({
    message: `${name}: ${host} takes no more requests for now${quoted(says)}`,
    hint: hub
      ? 'Docker Hub limits pulls by address, and more so without a login: "dobos login docker.io", or wait an hour'
      : 'wait and try again; a login may raise the limit',
  }),
  REGISTRY_STATUS: ({ name, host, status, says }) =>
    `${name}: ${host} answers with status ${status}${quoted(says)}`,
  REGISTRY_CHALLENGE: ({ host, schemes }) =>
    `${host} asks for a login in a way that is not known here: ${schemes.length === 0 ? 'no scheme named' : schemes.join(', ')}, want Bearer or Basic`,
  REGISTRY_REALM: ({ host, realm, why }) => `${host} names the token server ${realm}, which ${why}`,
  REGISTRY_TOKEN: ({ host, realm, why, says }) =>
    `token server ${realm} of ${host} ${why}${says === undefined ? '' : `: ${says}`}`,
  REGISTRY_TOO_LARGE: ({ name, limit }) => `${name} is larger than ${limit} bytes, the most that is accepted`,
  REGISTRY_MEDIA_TYPE: ({ name, header, body }) =>
    `${name} is announced as ${header || 'nothing'}, but says itself that it is ${body || 'nothing'}`,
  REGISTRY_DIGEST: ({ name, header, got }) => `${name} is announced as ${header}, but reads as ${got}`,
  REGISTRY_SIZE: ({ digest, host, want, got }) => `${host} gives ${got} bytes for ${digest}, want ${want}`,
  REGISTRY_RANGE: ({ digest, host, want, got }) =>
    `${host} was asked for ${want} of ${digest} and gives ${got}`,
  REGISTRY_CUT: ({ digest, host, done, size, tries }) => ({
    message: `the connection to ${host} broke ${tries} times in a row with little or nothing read of ${digest}, at ${done} of ${size} bytes`,
    hint: 'try again: what is here already is not fetched again',
  }),
  REGISTRY_REFUSED: ({ name, host, status, codes, says, quota }) => ({
    message: `${name} was not taken by ${host} (status ${status})${quoted(says)}`,
    hint: refusedHint(status, codes, quota),
  }),
  REGISTRY_UPLOAD_CUT: ({ digest, host, done, size, tries }) => ({
    message: `the connection to ${host} broke ${tries} times in a row with little or nothing sent of ${digest}, at ${done} of ${size} bytes`,
    hint: 'push again: what the registry has whole is not sent again',
  }),
  REGISTRY_LOCATION: ({ host, location, why }) => ({
    message: `${host} wants an upload sent to ${location}, which ${why}`,
    hint: 'a proxy before a registry has to pass on Host and X-Forwarded-Proto, so that the registry knows its own address',
  }),
  REGISTRY_STORED: ({ name, host, got }) => `${host} says that it stored ${got}, want ${name}`,
  REGISTRY_LINK: ({ host, link, why }) => `the next page of tags that ${host} names, ${link}, ${why}`,
  REGISTRY_TAGS: ({ name, why }) => `the tags of ${name} ${why}`,
  REGISTRY_TAG: ({ tag }) =>
    `tag ${JSON.stringify(tag)} must be 1 to 128 letters, digits, "_", "." or "-", not starting with "." or "-"`,
  REGISTRY_ENDPOINTS: ({ name, wanted }) => `no place is configured where ${name} may be asked for ${wanted}`,
});

/** What can be done about it. */
function refusedHint(status: number, codes: readonly string[], quota: boolean): string | undefined {
  const has = (...wanted: readonly string[]): boolean => codes.some((code) => wanted.includes(code));
  if (quota)
    return 'the space for this repository is used up: remove what is not needed there, or ask its owner for more';
  if (has('MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN'))
    return 'the registry lost a part of the image meanwhile; push again, it is sent anew';
  if (has('NAME_UNKNOWN') || status === 404)
    return 'is the name right? Some registries want a repository made before anything is pushed to it';
  if (has('NAME_INVALID'))
    return 'the registry allows other names; some want a project or user before the name';
  if (status === 413 || has('SIZE_INVALID'))
    return 'the registry, or a proxy before it, limits how much is sent at once';
  if (status === 405 || has('UNSUPPORTED')) return 'a mirror or a registry in maintenance can only be read';
  if (status === 409 || status === 412 || has('TAG_INVALID'))
    return 'a tag that may not be moved? Push another one';
  if (has('MANIFEST_INVALID')) return 'the registry may not know this kind of manifest or of compression';
  return undefined;
}

function quoted(says: string | undefined): string {
  return says === undefined ? '' : `: registry says ${says}`;
}
