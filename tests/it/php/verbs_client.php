<?php
// Prints all that a foreground client is told, one event a line: verbs_client.php HOST PORT
[, $host, $port] = $argv;

$client = new GearmanClient();
$client->addServer($host, (int) $port);

$codes = [
    GEARMAN_SUCCESS => 'complete',
    GEARMAN_WORK_EXCEPTION => 'exception',
    GEARMAN_WORK_FAIL => 'fail',
];
foreach (['doNormal', 'doHigh', 'doLow'] as $do) {
    foreach (['reverse', 'talks', 'throws', 'fails'] as $function) {
        $result = $client->$do($function, 'abc');
        $code = $client->returnCode();
        echo "$do $function: ", $codes[$code] ?? "code $code", " '$result'\n";
    }
}

$tell = fn (string $event) => function (GearmanTask $task) use ($event) {
    $what = $event === 'status'
        ? "{$task->taskNumerator()}/{$task->taskDenominator()}"
        : "'{$task->data()}'";
    echo "task {$task->functionName()}: $event $what\n";
    return GEARMAN_SUCCESS;
};
$client->setCreatedCallback($tell('created'));
$client->setDataCallback($tell('data'));
$client->setStatusCallback($tell('status'));
$client->setWarningCallback($tell('warning'));
$client->setExceptionCallback($tell('exception'));
$client->setFailCallback($tell('fail'));
$client->setCompleteCallback($tell('complete'));
foreach (['reverse', 'talks', 'throws', 'fails'] as $function) {
    $client->addTask($function, 'abc');
}
exit($client->runTasks() ? 0 : 1);
