import { errorMaker } from '../base/errors.ts';

type EndpointErrors = {
  REGISTRY_SETTINGS_FILE: { file: string; why: string; line?: number | undefined };
  REGISTRY_BLOCKED: { name: string; file: string };
  REGISTRY_TLS_FILE: { file: string; why: string };
};

/** Errors of the files that say where and how a registry is reached. */
export const endpointError = errorMaker<EndpointErrors>({
  REGISTRY_SETTINGS_FILE: ({ file, why, line }) =>
    `${file}${line === undefined ? '' : `, line ${line}`}: ${why}`,
  REGISTRY_BLOCKED: ({ name, file }) => `${name} is blocked by ${file}`,
  REGISTRY_TLS_FILE: ({ file, why }) => `TLS file ${file}: ${why}`,
});
