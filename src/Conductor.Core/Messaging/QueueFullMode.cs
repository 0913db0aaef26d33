namespace Conductor.Messaging;

/// <summary>What happens to a message whose subscription's queue is full. Either way it is counted and logged.</summary>
public enum QueueFullMode
{
    /// <summary>The oldest waiting message makes room: the newest matter most.</summary>
    DropOldest,

    /// <summary>The new message is not taken: the first matter most.</summary>
    DropNewest,
}
