"""Ferry: a serverless dataspace connector for Azure Blob Storage."""
