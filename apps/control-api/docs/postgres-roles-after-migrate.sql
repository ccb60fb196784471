-- After every `iron migrate up`, by the owner: what is never changed cannot be changed. The triggers refuse it as well.
REVOKE UPDATE, DELETE ON audit_log, ledger_entries, request_keys FROM iron_service;
REVOKE UPDATE ON events FROM iron_service;
REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM iron_service;
