using Conductor.Agents;

namespace FailureHandling;

/// <summary>Delivers parcels: always late, sometimes in vain, and never the forbidden ones.</summary>
internal sealed class Courier(Till till) : BaseAgent<Parcel, string>
{
    private const int AttemptThatArrives = 3;

    /// <inheritdoc />
    protected override async ValueTask<string> RunAsync(Parcel parcel, TaskContext task, CancellationToken cancellationToken)
    {
        // Recorded once for the task: later attempts, and a replay, get the recorded receipt and charge nobody.
        var receipt = await task.OnceAsync("charge", till.ChargeAsync, cancellationToken);
        Console.WriteLine($"   attempt {task.Attempt} to {parcel.Address}, receipt {receipt}");

        if (parcel.Content == "fireworks")
        {
            throw new NotSupportedException("Fireworks are not delivered."); // Trying again would not help.
        }

        if (parcel.Address == "Nowhere" || (task.Attempt < AttemptThatArrives && task.ReplayOf is null))
        {
            throw new IOException($"The road to {parcel.Address} is blocked."); // Input and output errors count as transient.
        }

        return $"delivered to {parcel.Address}";
    }
}
