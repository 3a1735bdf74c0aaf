// One participant: everything that its resource group holds, except the event subscription, which needs the code to
// answer first (completion.bicep). deploy.sh passes the parameters and derives the suffix.

targetScope = 'resourceGroup'

@description('A short label that all names begin with: lower-case letters and digits, a letter first.')
@minLength(3)
@maxLength(10)
param name string

@description('Eight hexadecimal digits that make the names unique in Azure.')
@minLength(8)
@maxLength(8)
param suffix string

@description('Who this participant is to its peers.')
@minLength(1)
@maxLength(128)
param participantId string

@description('Where everything stands; a region that has the Flex Consumption plan.')
param location string = resourceGroup().location

@description('Which parts of the connector run here.')
@allowed([
  'consumer,provider,dataplane'
  'consumer'
  'provider,dataplane'
  'provider'
  'dataplane'
])
param roles string = 'consumer,provider,dataplane'

@description('Who may manage: holders of the app\'s own function keys, or of a token of Entra ID.')
@allowed(['function-key', 'entra'])
param managementAuth string = 'function-key'

@description('For whom Entra ID issues the tokens of management clients (aud).')
param entraAudience string = ''

@description('The tenant whose tokens manage.')
param entraTenant string = tenant().tenantId

@description('How peers prove who they are. With mock anybody may claim to be anybody.')
@allowed(['signed', 'mock'])
param identity string = 'signed'

@description('Partners by participant id: a did:web each, or an object with did and address.')
param partners object = {}

@description('Hosts that the app may call beside blob storage, such as those of its partners; separated by commas.')
param allowedHosts string = ''

@description('identity: user delegation SAS of at most an hour, and no account key at all. key: SAS that can be revoked.')
@allowed(['identity', 'key'])
param storageCredential string = 'identity'

@description('How often the data account keeps its blobs.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_LRS'

@description('Memory of an instance, and with it its share of a processor and of the network.')
@allowed([512, 2048, 4096])
param instanceMemoryMb int = 2048

@description('How many instances there may be at most.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('How many instances stand ready for HTTP and are paid for at rest; 0: a first call waits for a cold start.')
@minValue(0)
@maxValue(20)
param alwaysReady int = 0

@description('Whether secrets that are deleted stay until their time is over. It can never be switched off again.')
param purgeProtection bool = false

@description('How long the vault keeps what is deleted and not purged.')
@minValue(7)
@maxValue(90)
param vaultRetentionDays int = 7

@description('How long logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 30

@description('How many gigabytes of logs a day may bring; what comes after them is lost until the next day.')
@minValue(1)
param logGigabytesPerDay int = 1

@description('Whether each request to the data account is logged. A transfer makes some forty, and one for each blob.')
param logStorageRequests bool = false

@description('How long finished processes are kept.')
@minValue(1)
param retentionDays int = 30

@description('The action group that is told of alerts, by its resource id; empty: the portal alone shows them.')
param alertActionGroupId string = ''

@description('Any other setting of the app, by its name.')
param settings object = {}

var tags = { ferry: name }
var appName = 'ferry-${name}-${suffix}'
var hostName = '${appName}.azurewebsites.net'
var hostAccountName = '${name}host${suffix}'
var dataAccountName = '${name}data${suffix}'
var vaultName = '${name}-kv-${suffix}'
var topicName = '${name}-blobs-${suffix}'
var isConsumer = contains(split(roles, ','), 'consumer')
var packageContainer = 'app-package'
var deadLetterContainer = 'event-dead-letters'
// The Functions host would make this queue at its first need of it; made here, a role on the queue alone will do.
var poisonQueue = 'webjobs-blobtrigger-poison'

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-id-${suffix}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'ferry-monitoring'
  params: {
    name: '${name}-logs-${suffix}'
    location: location
    tags: tags
    days: logDays
    gigabytesPerDay: logGigabytesPerDay
  }
}

module hostStorage 'modules/storage.bicep' = {
  name: 'ferry-host-storage'
  params: {
    name: hostAccountName
    location: location
    tags: tags
    sku: 'Standard_LRS'
    containers: [packageContainer, deadLetterContainer]
  }
}

module dataStorage 'modules/storage.bicep' = {
  name: 'ferry-data-storage'
  params: {
    name: dataAccountName
    location: location
    tags: tags
    sku: storageSku
    allowSharedKeyAccess: storageCredential == 'key'
    queues: isConsumer ? [poisonQueue] : []
    workspaceId: logStorageRequests ? monitoring.outputs.workspaceId : ''
  }
}

module vault 'modules/vault.bicep' = {
  name: 'ferry-vault'
  params: {
    name: vaultName
    location: location
    tags: tags
    purgeProtection: purgeProtection
    retentionDays: vaultRetentionDays
    workspaceId: monitoring.outputs.workspaceId
    keyOfAccount: storageCredential == 'key' ? dataStorage.outputs.name : ''
  }
}

module events 'modules/events.bicep' = if (isConsumer) {
  name: 'ferry-events'
  params: {
    name: topicName
    location: location
    tags: tags
    accountName: dataStorage.outputs.name
    workspaceId: monitoring.outputs.workspaceId
  }
}

module access 'modules/access.bicep' = {
  name: 'ferry-access'
  params: {
    appPrincipalId: appIdentity.properties.principalId
    hostAccountName: hostStorage.outputs.name
    dataAccountName: dataStorage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module eventAccess 'modules/event_access.bicep' = if (isConsumer) {
  name: 'ferry-event-access'
  params: {
    appPrincipalId: appIdentity.properties.principalId
    topicPrincipalId: events!.outputs.principalId
    hostAccountName: hostStorage.outputs.name
    dataAccountName: dataStorage.outputs.name
    deadLetterContainer: deadLetterContainer
    poisonQueue: poisonQueue
  }
}

var ferrySettings = {
  FERRY_PARTICIPANT_ID: participantId
  FERRY_PUBLIC_URL: 'https://${hostName}'
  FERRY_VAULT_URL: vault.outputs.url
  FERRY_ROLES: roles
  FERRY_MANAGEMENT_AUTH: managementAuth
  FERRY_IDENTITY: identity
  FERRY_PARTNERS: string(partners)
  FERRY_ALLOWED_HOSTS: allowedHosts
  FERRY_DESTINATION_ACCOUNT: dataAccountName
  FERRY_STORAGE_CREDENTIAL: storageCredential
  FERRY_RETENTION_DAYS: string(retentionDays)
  FERRY_TELEMETRY: 'azure-monitor'
}

var entraSettings = managementAuth == 'entra'
  ? {
      FERRY_ENTRA_TENANT: entraTenant
      FERRY_ENTRA_AUDIENCE: entraAudience
    }
  : {}

// The name stands before `__` in the settings of the trigger's connection.
var destinationSettings = isConsumer
  ? {
      FERRY_DESTINATION_CONNECTION: 'DESTINATION'
      DESTINATION__blobServiceUri: dataStorage.outputs.blobEndpoint
      DESTINATION__queueServiceUri: dataStorage.outputs.queueEndpoint
      DESTINATION__credential: 'managedidentity'
      DESTINATION__clientId: appIdentity.properties.clientId
    }
  : {}

var platformSettings = {
  AzureWebJobsStorage__accountName: hostAccountName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: appIdentity.properties.clientId
  AZURE_CLIENT_ID: appIdentity.properties.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${appIdentity.properties.clientId}'
  PYTHON_THREADPOOL_THREAD_COUNT: '32'
}

module app 'modules/app.bicep' = {
  name: 'ferry-app'
  params: {
    name: appName
    location: location
    tags: tags
    identityId: appIdentity.id
    packageUrl: '${hostStorage.outputs.blobEndpoint}${packageContainer}'
    memoryMb: instanceMemoryMb
    maximumInstances: maximumInstances
    alwaysReady: alwaysReady
    settings: union(platformSettings, ferrySettings, entraSettings, destinationSettings, settings)
  }
  // An app that starts before its roles count would fail, and be started again only minutes later.
  dependsOn: [access, eventAccess]
}

module alerts 'modules/alerts.bicep' = {
  name: 'ferry-alerts'
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    actionGroupId: alertActionGroupId
  }
}

output appName string = app.outputs.name
output hostName string = app.outputs.hostName
output vaultName string = vault.outputs.name
output dataAccountName string = dataStorage.outputs.name
output topicName string = isConsumer ? topicName : ''
output hostAccountName string = hostStorage.outputs.name
