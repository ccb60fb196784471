-- Two roles for an installation on PostgreSQL: the owner brings the schema to a version (`iron migrate up` with
-- IRON_MIGRATE_DATABASE_URL), the servers run as the service role with IRON_AUTO_MIGRATE=false and can change neither the schema
-- nor what was logged. Run by a superuser in the empty database, before the first `iron migrate up`.
CREATE ROLE iron_owner LOGIN PASSWORD 'change me: owner';
CREATE ROLE iron_service LOGIN PASSWORD 'change me: service';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO iron_owner;
GRANT USAGE ON SCHEMA public TO iron_service;
ALTER DEFAULT PRIVILEGES FOR ROLE iron_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO iron_service;
