// The vault for SAS and keys. Ferry deletes and purges what a transfer leaves, so a vault that protects from purging is
// a choice: a transfer then ends with the date on which its secret will be gone.

param name string
param location string
param tags object
param purgeProtection bool
param retentionDays int
param workspaceId string

@description('The account whose key is laid into the vault, under the account\'s name; empty: none.')
param keyOfAccount string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: retentionDays
    // Azure refuses `false` where it was ever true.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: 'Enabled'
  }
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = if (!empty(keyOfAccount)) {
  name: empty(keyOfAccount) ? 'none' : keyOfAccount
}

resource accountKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(keyOfAccount)) {
  parent: vault
  name: empty(keyOfAccount) ? 'none' : keyOfAccount
  properties: {
    value: account!.listKeys().keys[0].value
    contentType: 'storage account key'
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

output name string = vault.name
output url string = vault.properties.vaultUri
