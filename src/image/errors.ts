/** What can be wrong with an image, a look-up of one, or an archive of images. */
import { errorMaker } from '../base/errors.ts';

type ImageErrors = {
  IMAGE_NOT_AN_IMAGE: { name: string; mediaType: string };
  IMAGE_BROKEN: { name: string; why: string };
  IMAGE_LAYER_COUNT: { name: string; layers: number; diffIds: number };
  IMAGE_INDEX_DEPTH: { name: string; limit: number };
  IMAGE_PLATFORM_ABSENT: { name: string; wanted: string };
  IMAGE_LAYER_ABSENT: { digest: string; diffId: string };
  IMAGE_LAYER_CONTENT: { digest: string; got: string; want: string };
  IMAGE_UNKNOWN: { name: string; near: readonly string[] };
  IMAGE_AMBIGUOUS: { name: string; matches: readonly string[] };
  IMAGE_CUT: { name: string; wanted: number; layers: number };
  IMAGE_SQUASH_DIFFERS: { image: string; path: string };
  ARCHIVE_UNREADABLE: { path: string; why: string };
  ARCHIVE_NOT_IMAGES: { path: string; why: string };
  ARCHIVE_BROKEN: { path: string; why: string };
  ARCHIVE_MEMBER_CORRUPT: { path: string; member: string; why: string };
  ARCHIVE_MEMBER_MISSING: { path: string; member: string; wantedBy: string };
  ARCHIVE_MEMBER_TYPE: { path: string; member: string; why: string };
  ARCHIVE_MEMBER_TOO_LARGE: { path: string; member: string; size: number; limit: number };
  ARCHIVE_TOO_MANY_MEMBERS: { path: string; limit: number };
  ARCHIVE_DOCUMENT: { path: string; member: string; where: string; got: string; want: string };
  ARCHIVE_LAYER_COUNT: { path: string; image: string; layers: number; diffIds: number };
  ARCHIVE_LAYER_CONTENT: { path: string; member: string; got: string; want: string };
  ARCHIVE_WRITE: { path: string; why: string };
  IMPORT_NOT_TAR: { why: string };
  PUSH_INCOMPLETE: { name: string; present: readonly string[]; absent: readonly string[] };
};
/** Errors of images, and of archives of images. */
export const imageError = errorMaker<ImageErrors>({
  IMAGE_NOT_AN_IMAGE: ({ name, mediaType }) => ({
    message: `${name} is not an image: its config is of type ${mediaType}`,
    hint: 'it is an artifact (a signature, an attestation, a file): it can be copied, not opened',
  }),
  IMAGE_BROKEN: ({ name, why }) => `image ${name} is broken: ${why}`,
  IMAGE_LAYER_COUNT: ({ name, layers, diffIds }) =>
    `image ${name} is broken: the manifest lists ${layers} layers, the config ${diffIds} diff ids`,
  IMAGE_INDEX_DEPTH: ({ name, limit }) => `${name} is an index nested more than ${limit} deep`,
  IMAGE_PLATFORM_ABSENT: ({ name, wanted }) => ({
    message: `of ${name} the image for ${wanted} is not in the store: only other platforms' were pulled`,
    hint: `dobos pull --platform ${wanted} ${name}`,
  }),
  IMAGE_LAYER_ABSENT: ({ digest, diffId }) => ({
    message: `layer ${digest} (diff id ${diffId}) is not in the store that the image is written to`,
    hint: 'pull, load or build its image again; "dobos system check" tells what else is missing',
  }),
  IMAGE_LAYER_CONTENT: ({ digest, got, want }) => `layer ${digest} unpacks to ${got}, its image says ${want}`,
  IMAGE_UNKNOWN: ({ name, near }) => ({
    message: `no image ${JSON.stringify(name)} in the store`,
    hint: near.length === 0 ? undefined : `there is ${near.join(', ')}`,
  }),
  IMAGE_AMBIGUOUS: ({ name, matches }) => ({
    message: `${JSON.stringify(name)} is the start of ${matches.length} image ids: ${matches.join(', ')}`,
    hint: 'give more digits',
  }),
  IMAGE_CUT: ({ name, wanted, layers }) =>
    `${name}~${wanted} goes below the base: the image has ${layers} layers`,
  IMAGE_SQUASH_DIFFERS: ({ image, path }) => ({
    message: `squashed layers of ${image} do not show what they showed before: /${path} differs`,
    hint: 'a stored layer is damaged: "dobos system check" tells which',
  }),
  ARCHIVE_UNREADABLE: ({ path, why }) => `cannot read ${path}: ${why}`,
  ARCHIVE_NOT_IMAGES: ({ path, why }) => ({
    message: `${path} is not an archive of images: ${why}`,
    hint: 'a plain tar of files becomes an image with "dobos import"',
  }),
  ARCHIVE_BROKEN: ({ path, why }) => `${path} is broken: ${why}`,
  ARCHIVE_MEMBER_CORRUPT: ({ path, member, why }) => `${path}, ${JSON.stringify(member)} is corrupt: ${why}`,
  ARCHIVE_MEMBER_MISSING: ({ path, member, wantedBy }) =>
    `${path} has no ${JSON.stringify(member)}, which ${wantedBy} names`,
  ARCHIVE_MEMBER_TYPE: ({ path, member, why }) => `${path}, ${JSON.stringify(member)}: ${why}`,
  ARCHIVE_MEMBER_TOO_LARGE: ({ path, member, size, limit }) =>
    `${path}, ${JSON.stringify(member)} is ${size} bytes, at most ${limit} are accepted`,
  ARCHIVE_TOO_MANY_MEMBERS: ({ path, limit }) => `${path} has more than ${limit} members`,
  ARCHIVE_DOCUMENT: ({ path, member, where, got, want }) =>
    `${path}, ${member}${where === '' ? '' : ` ${where}`}: got ${got}, want ${want}`,
  ARCHIVE_LAYER_COUNT: ({ path, image, layers, diffIds }) =>
    `${path}, image ${image}: ${layers} layers are listed, its config has ${diffIds} diff ids`,
  ARCHIVE_LAYER_CONTENT: ({ path, member, got, want }) =>
    `${path}, layer ${JSON.stringify(member)} has diff id ${got}, its config says ${want}`,
  ARCHIVE_WRITE: ({ path, why }) => `cannot write ${path}: ${why}`,
  IMPORT_NOT_TAR: ({ why }) => ({
    message: `what is imported is not a tar archive: ${why}`,
    hint: 'import takes a tar of a root file system, plain or compressed; an archive of images is for "dobos load"',
  }),
  PUSH_INCOMPLETE: ({ name, present, absent }) => ({
    message: `${name} is an index of several platforms, of which ${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} not in the store`,
    hint:
      present.length === 0
        ? 'pull it first'
        : `--platform pushes one that is here (${present.join(', ')}); dobos pull --platform brings the others`,
  }),
});
