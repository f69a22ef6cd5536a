/** The arguments that a call takes effect with: those that are sent, and what the tool's schema says of the others. */

/**
 * Return a row for each argument, in the schema's order: `given` ones are sent, a `default` one is the schema's and is
 * not sent, an `absent` one is optional without a default. Nothing here is filled in.
 * @returns {Array<{name: string, value: any, source: "given"|"default"|"absent"}>}
 */
export function effective(values, schema) {
  const given = values ?? {};
  const properties = Object.entries(schema?.properties ?? {});
  const known = properties.map(([name, property]) => row(name, given, property));
  const others = Object.keys(given).filter((name) => !Object.hasOwn(schema?.properties ?? {}, name));
  return [...known, ...others.map((name) => row(name, given, null))];
}

/** @returns {{name: string, value: any, source: "given"|"default"|"absent"}} */
function row(name, given, property) {
  if (Object.hasOwn(given, name)) return { name, value: given[name], source: "given" };
  const isDefault = typeof property === "object" && property !== null && Object.hasOwn(property, "default");
  return isDefault ? { name, value: property.default, source: "default" } : { name, value: undefined, source: "absent" };
}
