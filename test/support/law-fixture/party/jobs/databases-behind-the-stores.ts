import "../../proto/database/sqlite.ts";
