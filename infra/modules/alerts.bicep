// What wakes somebody, each with its page in the runbook, and a workbook to look at. Who is told is an action group of
// the reader's own; without one the alerts stand in the portal alone.

param name string
param location string
param tags object
param workspaceId string
param actionGroupId string

var alerts = loadJsonContent('../alerts.json')

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: '${name}-${alert.name}'
    location: location
    tags: tags
    properties: {
      displayName: '${name}: ${alert.name}'
      description: '${alert.says} What to do: docs/operations.md#${alert.name}'
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT${alert.windowMinutes}M'
      windowSize: 'PT${alert.windowMinutes}M'
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: alert.query
            metricMeasureColumn: 'Value'
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: alert.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(actionGroupId) ? [] : [actionGroupId] }
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Ferry: ${name}'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('../workbook.json')
  }
}
