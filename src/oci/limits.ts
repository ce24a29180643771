/** Bytes of a manifest or index: registries must take 4 MiB and may refuse more (distribution-spec 1.1.1). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** Bytes of an image config: twice a manifest's, since Docker's histories repeat whole commands. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Characters of registry and repository together, as Docker counts them. */
export const MAX_NAME_LENGTH = 255;

/** Indexes inside indexes: real ones nest once; the bound ends a loop. */
export const MAX_INDEX_DEPTH = 8;
