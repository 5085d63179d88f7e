// The type of load-yaml.cjs.

declare function loadYaml(): typeof import("yaml");
export = loadYaml;
