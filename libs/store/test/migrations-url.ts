/** The migrations of the tests: one table, `note`. */
export const MIGRATIONS = new URL("migrations/", import.meta.url);
